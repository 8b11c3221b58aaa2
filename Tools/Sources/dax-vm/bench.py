"""What every check works with: the cache, the programs, working directories, the report."""

import contextlib
import os
import shlex
import sys
import tempfile
import time

from kernel import guest_file


class Wrong(Exception):
    """A check found what must not be."""


class Bench:
    """Where checks run, and what they say."""

    def __init__(self, cache, options, random):
        self.cache = cache
        # The directory of kvctl and dax-vm-guest, and the program that holds the tests.
        self.programs = options.programs
        self.tests = options.tests
        # The repository's root, where the tests find their data.
        self.root = os.path.abspath(f"{os.path.dirname(__file__)}/../../..")
        self.random = random
        self.is_short = getattr(options, "short", False)
        self.started = time.monotonic()

    @contextlib.contextmanager
    def directory(self):
        """A working directory for machines, in memory where there is room; removed afterwards."""
        status = os.statvfs("/dev/shm")
        parent = "/dev/shm" if status.f_bavail * status.f_frsize > 1 << 30 else None
        with tempfile.TemporaryDirectory(prefix="fenceline-dax-vm.", dir=parent) as path:
            yield path

    def script(self, *lines, files=()):
        """A script for the guest that knows the functions of its files, and the programs."""
        path = f"PATH={shlex.quote(self.programs)}:$PATH\n"
        return path + "\n".join([*map(guest_file, ["library.sh", *files]), *lines]) + "\n"

    def run(self, machine, *lines, files=(), seconds=120):
        """Runs lines in the guest; their output. They must succeed."""
        status, output = machine.run(self.script(*lines, files=files), seconds)
        require(status == 0, f"status {status}: {output[-2000:]}")
        return output

    def say(self, text):
        """One line of the report."""
        print(f"{text} ({time.monotonic() - self.started:.0f} s)", flush=True)

    def progress(self, text):
        """One line that is written over; nothing where nobody looks."""
        if sys.stderr.isatty():
            print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def require(condition, text):
    """Fails a check unless the condition holds."""
    if not condition:
        raise Wrong(text)
