"""Pages that can't be read, injected under a store on persistent memory: typed errors that name file and
offset, in processes that live on."""

import os
import shlex

from cache import FILE_SYSTEMS
from kernel import GUEST

CASES = (
    ("commands", "under_commands long"),
    ("a handle that reads", "under_reader"),
    ("a handle that writes", "under_writer"),
    ("what is written next", "under_appends"),
    ("an index image", "under_image"),
)


def check(bench):
    """Every case in a machine of its own: bad blocks stay as long as it runs."""
    cases = [("a segment", "under_commands short")] if bench.is_short else CASES
    for file_system in FILE_SYSTEMS[: 1 if bench.is_short else None]:
        answers = 0
        for name, call in cases:
            bench.progress(f"media errors on {file_system}: {name}")
            with bench.directory() as work:
                bench.cache.nvdimm(file_system, f"{work}/nvdimm")
                with bench.cache.resume(work) as machine:
                    output = bench.run(
                        machine,
                        f"poison={shlex.quote(os.path.join(GUEST, 'poison.py'))}",
                        f"mount_dax {file_system} /mnt/dax",
                        call,
                        "report",
                        files=["expect.sh", "media_errors.sh"],
                        seconds=300,
                    )
            answers += int(output.split()[-1])
        names = ", ".join(name for name, _ in cases)
        bench.say(f"media errors on {file_system} under {names}: {answers} answers as they should be")
