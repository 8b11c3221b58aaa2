"""The command line of Tools/dax-vm, behind what the script has installed and built."""

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import time

import bench as benches
import disk_faults
import media
import memory_errors
import power_cuts
import test_bundles
from cache import FILE_SYSTEMS, Cache
from machine import GuestError

CHECKS = {
    "media": media.check_file_systems,
    "machines": media.check_machines,
    "tests": test_bundles.check,
    "power": power_cuts.check,
    "memory": memory_errors.check,
    "disk": disk_faults.check_faults,
    "log": disk_faults.check_log,
}
SHORT = ["media", "tests", "power", "memory"]


class Parser(argparse.ArgumentParser):
    """A parser that ends with the status that stands for usage everywhere here."""

    def error(self, message):
        self.exit(64, f"Tools/dax-vm: {message}\nTools/dax-vm --help says more.\n")


def parse():
    parser = Parser(prog="Tools/dax-vm", add_help=False, allow_abbrev=False)
    parser.add_argument("--kernel-package", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--tests")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare")
    run = commands.add_parser("run")
    run.add_argument("--file-system", choices=FILE_SYSTEMS, default="ext4")
    run.add_argument("words", nargs="+")
    check = commands.add_parser("check")
    check.add_argument("--short", action="store_true")
    check.add_argument("--seed", type=int)
    check.add_argument("--only", action="append", choices=CHECKS, default=[])
    return parser.parse_args()


def run(cache, options):
    """A command line of the user's in the guest; its status."""
    bench = benches.Bench(cache, options, random.Random())
    with bench.directory() as work:
        cache.nvdimm(options.file_system, f"{work}/nvdimm")
        with cache.resume(work) as machine:
            script = bench.script(
                f"mount_dax {options.file_system} /mnt/dax", "cd /mnt/dax", shlex.join(options.words)
            )
            status, output = machine.run(script, 24 * 3600)
    sys.stdout.write(output)
    return status


def check(cache, options):
    """All checks, or those that were named; how many failed."""
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    bench = benches.Bench(cache, options, random.Random(seed))
    failed = 0
    for name in options.only or (SHORT if options.short else CHECKS):
        try:
            CHECKS[name](bench)
        except (benches.Wrong, GuestError) as error:
            failed += 1
            bench.say(f"{name}: FAILED: {error}")
    return 1 if failed else 0


def main():
    options = parse()
    # Machines end with this process, also where it is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = Cache(options.cache, options.kernel_package)
    start = time.monotonic()
    try:
        cache.snapshot()
    except (GuestError, OSError, subprocess.SubprocessError) as error:
        print(f"Tools/dax-vm: no virtual machine here: {error}", file=sys.stderr)
        return 69
    if options.command == "prepare":
        for file_system in FILE_SYSTEMS:
            cache.nvdimm(file_system, os.devnull)
        print(f"ready in {options.cache} ({time.monotonic() - start:.0f} s)")
        return 0
    return {"run": run, "check": check}[options.command](cache, options)


if __name__ == "__main__":
    sys.exit(main())
