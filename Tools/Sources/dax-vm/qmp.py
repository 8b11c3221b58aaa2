"""The machine protocol of qemu: commands and their answers as JSON lines over a socket."""

import json
import socket
import time


class QMPError(Exception):
    """qemu refused a command."""


class QMP:
    """One connection to a machine's monitor."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self._answer()  # the greeting
        self("qmp_capabilities")

    def _answer(self):
        while True:
            line = self.lines.readline()
            if not line:
                raise QMPError("qemu closed its monitor")
            message = json.loads(line)
            if "event" not in message:
                return message

    def __call__(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        answer = self._answer()
        if "error" in answer:
            raise QMPError(f"{command}: {answer['error']['desc']}")
        return answer.get("return")

    def wait(self, command, is_done, seconds=60):
        """Asks again until an answer satisfies."""
        end = time.monotonic() + seconds
        while True:
            answer = self(command)
            if is_done(answer):
                return answer
            if time.monotonic() > end:
                raise QMPError(f"{command}: still {answer}")
            time.sleep(0.01)

    def close(self):
        self.lines.close()
        self.socket.close()
