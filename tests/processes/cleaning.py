"""No process outlives the run that started it, however the run ends.

A run starts a watcher with a pipe to it, and marks its environment. All processes of the run inherit the
mark. When the run has ended the pipe closes, and the watcher kills every process that still has the mark.
Run as a program, this file is the watcher.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

MARK = "OCPP_SERVER_TEST_RUN"
_ROOT = Path(__file__).resolve().parent.parent.parent
# A process may be forking when it is killed: look again until none is left, and give up at some time.
_ROUNDS = 50


def watch() -> None:
    """Start the watcher of this run."""
    os.environ[MARK] = uuid.uuid4().hex
    reading, writing = os.pipe()
    command = [sys.executable, str(Path(__file__)), os.environ[MARK]]
    process = subprocess.Popen(command, stdin=reading, cwd=_ROOT, start_new_session=True)
    os.close(reading)
    atexit.register(_end, writing, process)


def _end(writing: int, process: subprocess.Popen[bytes]) -> None:
    os.close(writing)
    process.wait()


def marked(mark: str) -> list[int]:
    """The processes of a run, the watcher left out."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        # A process that has just ended, or of another user.
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    for _ in range(_ROUNDS):
        left = marked(sys.argv[1])
        # The run itself is among them until it has ended, and closes the pipe just before.
        running = [pid for pid in left if pid != os.getppid()]
        if not running:
            return
        for pid in running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)  # nothing to await: these are not our children


if __name__ == "__main__":
    main()
