"""The store under power cuts and resets of a machine, on persistent memory: the same store, over and over.

What the guest acknowledged is what arrived here, by a line of its own, before the machine was dead. A
store must hold that, and exactly what the transactions up to some number left behind.
"""

import re

from bench import Wrong, require
from cache import FILE_SYSTEMS

STORE = "/mnt/dax/store"


class StoreLife:
    """What is known here of one store: the lives of its writers, and what must not be lost."""

    def __init__(self):
        self.lives = []
        self.acknowledged = 0
        self.state = 0

    def writer(self, last=""):
        """The command that judges the store and then writes."""
        lives = ",".join(f"{number}:{first}" for number, first in self.lives)
        return (
            f"dax-vm-guest write {STORE} '{lives}' {self.acknowledged} "
            f"/dev/virtio-ports/acknowledgements {last}"
        )

    def take(self, said):
        """Takes in what a life of a writer said; false if it had not begun. The last line may be cut off."""
        lines = said.decode().split("\n")[:-1]
        if not lines:
            return False
        self.state = int(lines[0].removeprefix("state "))
        require(self.state >= self.acknowledged, f"{lines[0]} behind {self.acknowledged}")
        self.lives.append((len(self.lives) + 1, self.state + 1))
        self.acknowledged = max([self.state] + [int(line) for line in lines[1:]])
        return True


def acknowledgements(machine):
    """Lines that the guest's writer has sent so far."""
    return machine.acknowledgements.received.count(b"\n")


def cut(bench, work, file_system, store, by_reset):
    """One life: mount, check the file system, judge the store, write; then the end, at any moment."""
    script = bench.script(
        "name_ports",
        # Mounting replays what was in the file system's journal.
        f"mount_dax {file_system} /mnt/dax",
        "umount /mnt/dax",
        f"check_file_system {file_system} /dev/pmem0 >/mnt/check 2>&1 || {{ cat /mnt/check; exit 1; }}",
        f"mount_dax {file_system} /mnt/dax",
        *(["reset_when_asked"] if by_reset else []),
        store.writer(),
    )
    with bench.cache.resume(work) as machine:
        machine.start(script)
        target = bench.random.randrange(2, 8 if bench.is_short else 60)
        machine.follow(60, lambda machine: acknowledgements(machine) > target or ended(machine))
        if ended(machine):
            raise Wrong(f"the writer ended: {machine.commands.received.decode(errors='replace')}")
        machine.follow(bench.random.random() * 0.3)
        if by_reset:
            machine.commands.socket.sendall(b"reset\n")
            said = machine.wait_for_end(30)
        else:
            said = machine.kill()
    require(store.take(said), "nothing was written in time: " + machine.last_words())


def ended(machine):
    """Whether the script in the guest has come to its end."""
    return re.search(rb"dax-vm: status \d+", machine.commands.received) is not None


def check(bench):
    """Cuts, then one more look at what is left."""
    cycles = 2 if bench.is_short else 52
    for file_system in FILE_SYSTEMS:
        store = StoreLife()
        with bench.directory() as work:
            bench.cache.nvdimm(file_system, f"{work}/nvdimm")
            resets = lost = 0
            for number in range(cycles):
                bench.progress(f"power cuts on {file_system}: {number} of {cycles}")
                by_reset = number % 2 == 1
                before = store.acknowledged
                cut(bench, work, file_system, store, by_reset)
                resets += by_reset
                lost += store.state > before
            with bench.cache.resume(work) as machine:
                bench.run(
                    machine,
                    "name_ports",
                    f"mount_dax {file_system} /mnt/dax",
                    store.writer(last="20" if bench.is_short else "200"),
                    *([] if bench.is_short else [f"kvctl verify {STORE}"]),
                    "umount /mnt/dax",
                    f"check_file_system {file_system} /dev/pmem0",
                    seconds=300,
                )
        bench.say(
            f"power cuts on {file_system}: {cycles - resets} power cuts, {resets} resets, "
            f"{store.acknowledged} transactions acknowledged, none lost, none torn; after {lost} "
            "more than acknowledged was there; file system clean each time"
        )
