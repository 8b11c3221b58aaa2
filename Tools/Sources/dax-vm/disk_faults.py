"""A store on an ordinary disk, with ext4 and xfs without DAX, whose device fails or stops at any write."""

import subprocess

from bench import require
from cache import FILE_SYSTEMS
from configuration import DISK_BYTES, make_sparse
from write_log import WriteLog

FILES = ["expect.sh", "disk.sh"]


def make_disk(file_system, path):
    """An empty file system in a file."""
    make_sparse(path, DISK_BYTES)
    options = {"ext4": ["-q", "-F", "-E", "nodiscard"], "xfs": ["-q", "-f", "-K"]}[file_system]
    subprocess.run([f"mkfs.{file_system}", *options, path], check=True)


def check_faults(bench):
    """Writes that fail, and writes that are lost."""
    for file_system in FILE_SYSTEMS:
        answers = 0
        for case in ("write_errors", "lost_writes"):
            bench.progress(f"disk faults on {file_system}: {case}")
            with bench.directory() as work:
                make_disk(file_system, f"{work}/vda")
                with bench.cache.resume(work) as machine:
                    output = bench.run(
                        machine, f"{case} {file_system}", "report", files=FILES, seconds=400
                    )
                answers += int(output.split()[-1])
        bench.say(
            f"disk faults on {file_system}: behind a failed write the handle refuses, and a new one has all "
            "that was acknowledged; lost writes cost nothing from before them; "
            f"{answers} answers as they should be"
        )


def check_log(bench):
    """The disk as it was at moments of a log of its writes, each mounted and judged."""
    transactions, samples = 300, 12
    for file_system in FILE_SYSTEMS:
        with bench.directory() as work:
            make_disk(file_system, f"{work}/vda")
            bench.cache.copy(f"{work}/vda", f"{work}/base")
            with bench.cache.resume(work) as machine:
                bench.run(machine, f"logged {transactions}", files=FILES, seconds=600)
            log = WriteLog(f"{work}/vdb")
            points = [n + 1 for n, entry in enumerate(log.entries) if entry.is_ordering_point]
            require(len(points) > samples, f"only {len(points)} ordering points in the log")
            chosen = sorted(bench.random.sample(points, samples - 1)) + [len(log.entries)]
            done, states = 0, []
            for number in chosen:
                bench.progress(f"write log on {file_system}: {number} of {len(log.entries)}")
                with open(f"{work}/base", "r+b") as disk:
                    log.apply(range(done, number), disk)
                done = number
                marks = [int(entry.mark) for entry in log.entries[:number] if entry.mark.isdigit()]
                acknowledged = max(marks, default=0)
                bench.cache.copy(f"{work}/base", f"{work}/vda")
                with bench.cache.resume(work) as machine:
                    output = bench.run(
                        machine,
                        "mkdir /mnt/disk",
                        "mount /dev/vda /mnt/disk",
                        f"dax-vm-guest check $store 1:1 {acknowledged}",
                        "umount /mnt/disk",
                        f"check_file_system {file_system} /dev/vda >/mnt/check 2>&1",
                        files=FILES,
                    )
                states.append(f"{acknowledged}:{output.split()[-1]}")
            log.close()
        bench.say(
            f"write log on {file_system}: {len(log.entries)} entries, {len(points)} ordering points; at "
            f"{len(chosen)} of them the disk mounts, and the store holds what was acknowledged (acknowledged:held) "
            + " ".join(states)
        )
