"""The project's tests where both of their directories lie on real persistent memory."""

import re
import shlex

from bench import require
from cache import FILE_SYSTEMS

# What an emulated processor does in seconds. The rest of the store's tests are long runs of histories, and
# tests of what is the same on every medium.
SUITES = (
    r"^PersistentMemoryTests\.",
    r"^FencelineTests\.(TransactionTests|OpeningTests|FaultTests|MultiGetTests|GoldenStoreTests"
    r"|WorkedExampleTests|UnreadablePageTests|StoreTests/.*survives)",
)
SHORT_SUITES = (r"^PersistentMemoryTests\.SegmentFileTests",)


def check(bench):
    """Runs the suites one by one."""
    for file_system in FILE_SYSTEMS[: 1 if bench.is_short else None]:
        for suite in SHORT_SUITES if bench.is_short else SUITES:
            with bench.directory() as work:
                bench.cache.nvdimm(file_system, f"{work}/nvdimm")
                with bench.cache.resume(work) as machine:
                    bench.run(
                        machine,
                        f"mount_dax {file_system} /mnt/dax",
                        "mkdir -p /mnt/dax/temporary /mnt/dax/disk",
                        # Where the tests make their directories.
                        "mount --bind /mnt/dax/temporary /dev/shm",
                        "mount --bind /mnt/dax/disk /var/tmp",
                    )
                    status, output = machine.run(
                        bench.script(
                            "export FENCELINE_TEST_MEDIUM=persistentMemory SWIFT_BACKTRACE=enable=no",
                            f"cd {shlex.quote(bench.root)}",
                            f"{shlex.quote(bench.tests)} --testing-library swift-testing "
                            f"--filter {shlex.quote(suite)} 2>&1",
                        ),
                        3600,
                    )
            summary = re.search(r"Test run with ([1-9]\d*) tests? in .*", output)
            failures = "\n".join(re.findall(r".*(?:recorded an issue|failed after).*", output))
            require(status == 0 and summary, f"tests on {file_system}: {failures or output[-3000:]}")
            bench.say(f"tests on {file_system}, {suite}: {summary.group(0)}")
