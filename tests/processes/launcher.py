"""The launcher imports Django and the project once and forks the processes of tests.

A forked process starts in a fraction of a second instead of three seconds. The launcher ends when the test
run closes its socket. The kernel kills each forked process when the launcher ends (PR_SET_PDEATHSIG), so an
interrupted run leaves no process behind.

A request is a packet of JSON with four files: a socket for the process id and later the exit status, and
standard input, output and error.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tests.processes import preloading

ROOT = Path(__file__).resolve().parent.parent.parent
_PR_SET_PDEATHSIG = 1
_LARGEST_REQUEST = 1 << 20


class Launcher:
    """`serve` returns in a child, with the function that does its work; in the parent it returns None."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: dict[int, socket.socket] = {}
        # Python writes to this pipe at every signal, so the end of a child interrupts `select`.
        self.wake_up, self.woken = os.pipe()
        for end in (self.wake_up, self.woken):
            os.set_blocking(end, False)

    def serve(self) -> Callable[[], None] | None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.woken, warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self.control, self.wake_up], [], [])
            if self.wake_up in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wake_up, 4096)
                self._report_ends()
            if self.control in ready:
                data, files, _, _ = socket.recv_fds(self.control, _LARGEST_REQUEST, 4)
                if not data:
                    return None
                work = self._fork(json.loads(data), files)
                if work is not None:
                    return work

    def _report_ends(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            listener = self.children.pop(pid)
            with contextlib.suppress(OSError), listener:
                listener.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _fork(self, request: dict[str, Any], files: list[int]) -> Callable[[], None] | None:
        parent, child = os.getpid(), os.fork()
        listener = socket.socket(fileno=files[0])
        if child:
            self.children[child] = listener
            for file in files[1:]:
                os.close(file)
            with contextlib.suppress(OSError):
                listener.send(str(child).encode())
            return None
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (listener, self.control, *self.children.values()):
            other.close()
        for number, file in enumerate(files[1:]):
            os.dup2(file, number)
            os.close(file)
        os.close(self.wake_up)
        os.close(self.woken)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        time.tzset()
        return lambda: work(request["kind"], request["words"], request["user"])


def work(kind: str, words: list[str], user: int | None) -> None:
    """Run the requested program in the child. Programs return or raise SystemExit."""
    if kind == "command":
        if user is not None:
            os.setuid(user)
        os.execvpe(words[0], words, os.environ)  # noqa: S606 - a program the tests name
    if not preloading.is_same_program():
        start_cold(kind, words)
    preloading.forget_settings(lambda: start_cold(kind, words))
    _RUNS[kind](words)


def start_cold(kind: str, words: list[str]) -> NoReturn:
    """Replace this process with a new Python: the modules the launcher has loaded do not fit its settings."""
    program = {"run": [str(ROOT / "run.py")], "manage": [str(ROOT / "manage.py")], "module": ["-m"]}[kind]
    os.execv(sys.executable, [sys.executable, *program, *words])  # noqa: S606


def _run(words: list[str]) -> None:
    import run

    if words[:1] == ["accounts"]:
        start_cold("run", words)  # the accounts role has another settings module
    sys.argv = ["run.py", *words]
    sys.exit(run.main())


def _manage(words: list[str]) -> None:
    import manage

    sys.argv = ["manage.py", *words]
    manage.main()


def _module(words: list[str]) -> None:
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def _call(words: list[str]) -> None:
    import django

    django.setup()
    module, _, function = words[0].partition(":")
    getattr(importlib.import_module(module), function)(*words[1:])


_RUNS: dict[str, Callable[[list[str]], None]] = {
    "run": _run,
    "manage": _manage,
    "module": _module,
    "call": _call,
}


def main() -> None:
    control, folder = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    os.environ["DATA_DIR"] = folder
    preloading.load()
    gc.collect()
    gc.freeze()  # the collector skips the loaded modules, so their memory stays shared with the launcher
    child = Launcher(control).serve()
    if child is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        child()
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
