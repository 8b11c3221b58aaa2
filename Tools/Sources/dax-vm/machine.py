"""One virtual machine: started or resumed, given scripts to run, and killed as if power were cut."""

import os
import re
import selectors
import signal
import socket
import subprocess
import time

from qmp import QMP, QMPError


class GuestError(Exception):
    """The guest did not do what it was asked to; the message ends with what it said last."""


class Line:
    """A serial line or a port of the guest, as a socket of the host; keeps what arrived."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.received = b""

    def receive(self, seconds):
        """Waits for more; false at the end of the line or of the time."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(1 << 16)
        except (TimeoutError, ConnectionResetError):
            return False
        self.received += data
        return len(data) > 0

    def drain(self):
        """What had left the guest when it died is still in the socket."""
        while self.receive(0.05):
            pass
        return self.received


class Machine:
    """A running qemu process.

    Invariant: it is ended by its own process id, by `kill` or at the end of a `with` block, and its
    files lie in the directory that it was given.
    """

    def __init__(self, configuration, directory, incoming=None):
        self.directory = directory
        self.paths = {
            name: os.path.join(directory, name)
            for name in ("monitor", "console", "commands", "acknowledgements")
        }
        for path in self.paths.values():
            if os.path.exists(path):
                os.unlink(path)
        self.errors = open(os.path.join(directory, "qemu-errors"), "w+b")
        arguments = configuration.arguments(self.paths)
        if incoming:
            arguments += ["-incoming", "defer"]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors
        )
        try:
            self._connect()
            if incoming:
                self._resume(incoming)
        except Exception:
            self.kill()
            raise

    def _connect(self):
        end = time.monotonic() + 30
        while True:
            if self.process.poll() is not None:
                raise GuestError("qemu ended: " + self._said())
            try:
                self.monitor = QMP(self.paths["monitor"])
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise GuestError("qemu does not answer") from None
                time.sleep(0.01)
        self.console, self.commands, self.acknowledgements = (
            Line(self.paths[name]) for name in ("console", "commands", "acknowledgements")
        )

    def _said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()[-2000:]

    # Memory that the host holds in files, so the NVDIMM, is not part of the snapshot.
    _CAPABILITIES = [{"capability": "x-ignore-shared", "state": True}]

    def save(self, path):
        """Writes the machine's state, without the NVDIMM's and the disks' contents."""
        self.monitor("stop")
        self.monitor("migrate-set-capabilities", capabilities=self._CAPABILITIES)
        self.monitor("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self.monitor("migrate", uri=f"exec:cat > '{path}'")
        answer = self.monitor.wait(
            "query-migrate", lambda answer: answer.get("status") in ("completed", "failed")
        )
        if answer["status"] != "completed":
            raise GuestError(f"no snapshot: {answer.get('error-desc', answer)}")

    def _resume(self, path):
        self.monitor("migrate-set-capabilities", capabilities=self._CAPABILITIES)
        self.monitor("migrate-incoming", uri=f"exec:cat '{path}'")
        self.monitor.wait(
            "query-status",
            lambda answer: answer["status"] in ("paused", "postmigrate"),
        )
        self.monitor("cont")

    def wait_until_ready(self, seconds=120):
        """Waits for the first process to have loaded what it loads before a snapshot."""
        self._wait_for(rb"dax-vm: ready\r?\n", seconds)

    def _wait_for(self, pattern, seconds):
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.commands.received)
            if found:
                return found
            if not self._step(end - time.monotonic()):
                what = "ended" if self.process.poll() is not None else "gave no answer in time"
                raise GuestError(f"the guest {what}; {self.last_words()}")

    def last_words(self):
        """What the guest said last, for reports of what went wrong."""
        said = self.console.received[-1500:] + self.commands.received[-1500:]
        return "it said last:\n" + said.decode(errors="replace")

    def _step(self, seconds):
        """Takes in what one of the lines has; false if the time is over or the guest has ended."""
        with selectors.DefaultSelector() as selector:
            for line in (self.console, self.commands, self.acknowledgements):
                selector.register(line.socket, selectors.EVENT_READ, line)
            ready = selector.select(max(seconds, 0))
        if not ready:
            return False
        for key, _ in ready:
            if not key.data.receive(1) and key.data is self.commands:
                return False
        return True

    def start(self, script):
        """Starts a script (text for bash, as root, in the host's file system) in the guest."""
        self.commands.received = b""
        text = script.encode()
        self.commands.socket.sendall(b"%d\n" % len(text) + text)

    def finish(self, seconds=120):
        """Waits for the script that was started; its status and its output."""
        found = self._wait_for(rb"dax-vm: status (\d+)\r?\n", seconds)
        output = self.commands.received[: found.start()].decode(errors="replace")
        return int(found.group(1)), output.replace("\r\n", "\n")

    def run(self, script, seconds=120):
        """Runs a script; its status and its output."""
        self.start(script)
        return self.finish(seconds)

    def follow(self, seconds, is_done=lambda machine: False):
        """Takes in what the guest says until a condition holds; false if the time is over or it ended."""
        end = time.monotonic() + seconds
        while not is_done(self):
            if not self._step(end - time.monotonic()):
                return False
        return True

    def kill(self):
        """Cuts the power: SIGKILL, wherever the guest is. Returns what it had acknowledged."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return self._ended()

    def wait_for_end(self, seconds):
        """Waits for a guest that resets itself. Returns what it had acknowledged."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise GuestError("the guest did not reset itself") from None
        return self._ended()

    def _ended(self):
        said = b""
        if hasattr(self, "acknowledgements"):
            said = self.acknowledgements.drain()
            for line in (self.console, self.commands, self.acknowledgements):
                line.socket.close()
            self.monitor.close()
        self.errors.close()
        return said

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if not self.errors.closed:
            self.kill()
