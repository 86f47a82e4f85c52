"""Kills all processes of a test run when the run ends, even when it crashes.

A run starts a watcher with a pipe to it, and sets a mark in its own environment. All processes of the run
inherit the mark. When the run ends, the pipe closes and the watcher kills every process that has the mark.
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
# A process may fork just before it is killed: search again until none is left, up to this many times.
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
    """Return the process ids of a run, without the watcher."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        # The process may have ended, or may belong to another user.
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
        # The run closes the pipe just before it ends, so its own process can still be in the list.
        running = [pid for pid in left if pid != os.getppid()]
        if not running:
            return
        for pid in running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)  # poll: these processes are not children of the watcher


if __name__ == "__main__":
    main()
