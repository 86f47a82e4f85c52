"""Several processes of one role behind one port: `run.py web` with WEB_WORKERS comes here.

Each worker has a listening socket of its own on the shared port, so that the system spreads the stations
evenly; one socket for all would give most of them to the worker that is idle at the moment. The parent keeps
the sockets open: while a worker that died is replaced, its callers wait and are not refused.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from ocpp_server.environment import roles
from ocpp_server.environment.roles import Role
from ocpp_server.process import start
from ocpp_server.process.serving import prepare, serve_on

ROOT = Path(__file__).resolve().parent.parent.parent
LOOK_S = 0.2


class Worker:
    """One process and its listening socket. The line between us says when it listens and when it must end."""

    def __init__(self, role: Role, listener: socket.socket) -> None:
        self.role = role
        self.listener = listener
        self.spawn()

    def spawn(self) -> None:
        self.is_up = False
        self.line, theirs = socket.socketpair()
        self.line.setblocking(False)
        listener, line = self.listener.fileno(), theirs.fileno()
        # A session of its own: Ctrl-C reaches the parent alone, or each worker would get the signal twice.
        self.process = subprocess.Popen(  # noqa: S603 - this project's own module
            [sys.executable, "-m", "ocpp_server.process.workers", self.role, str(listener), str(line)],
            cwd=ROOT,
            pass_fds=(listener, line),
            start_new_session=True,
        )
        theirs.close()

    def look(self) -> int | None:
        """Whether it listens; its exit status when it has ended."""
        if not self.is_up:
            try:
                self.is_up = self.line.recv(1) == b"1"
            except BlockingIOError:
                self.is_up = False
        return self.process.poll()

    def wait(self) -> int:
        """Wait for its exit status. A worker that got the signal while it was starting ends by the signal."""
        status = self.process.wait()
        return 0 if status == -signal.SIGTERM and not self.is_up else abs(status)

    def respawn(self) -> None:
        self.line.close()
        sys.stderr.write(
            f"Worker {self.process.pid} ended with {self.process.returncode}; another one takes over.\n"
        )
        self.spawn()


class WorkerPool:
    """All workers, from the first start to the last exit."""

    def __init__(self, role: Role, port: int, count: int) -> None:
        start.listen(port).close()  # says so when another program has the port; ours share it
        self.workers = [Worker(role, start.listen(port, is_shared=True)) for _ in range(count)]
        self.signals = 0

    def asked(self, *_: object) -> None:
        self.signals += 1
        if self.signals > 1:
            for worker in self.workers:
                worker.process.terminate()

    def run(self, banner: str) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.asked)
        while not self.signals:
            if banner and all(worker.is_up for worker in self.workers):
                print(banner, flush=True)
                banner = ""
            for worker in self.workers:
                status = worker.look()
                if status is None or self.signals:
                    continue
                if not worker.is_up:
                    # It could not start, and would not the next time.
                    self._end()
                    return abs(status) or 1
                worker.respawn()
            time.sleep(LOOK_S)
        return self._end()

    def _end(self) -> int:
        """End the workers and wait as long as their grace period; the worst exit status."""
        for worker in self.workers:
            worker.listener.close()
            worker.line.close()
        return max(worker.wait() for worker in self.workers)


def run(role: Role, port: int, count: int) -> int:
    """Start the workers, replace those that die, end with all of them. Raises SettingError and StartError."""
    configured = prepare(role)
    status = WorkerPool(role, port, count).run(start.banner(configured.ENVIRONMENT, {}, demo=False))
    print(f"The {role} processes have stopped.", flush=True)
    return status


# -- in the worker ---------------------------------------------------------------------------------------


def work(role: Role, listener: socket.socket, line: socket.socket) -> int:
    roles.begin(role)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
    threading.Thread(target=_end_with_parent, args=(line,), daemon=True).start()
    try:
        prepare(role)
        serve_on(role, listener, banner="", listening=lambda: _say_up(line))
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    return 0


def _say_up(line: socket.socket) -> None:
    # A parent that has ended or is ending does not receive it; the thread that reads the line ends this
    # process.
    with contextlib.suppress(OSError):
        line.send(b"1")


def _end_with_parent(line: socket.socket) -> None:
    """End this process when the parent closes its end of the line; it is closed even when the parent is
    killed.
    """
    # Reset, where the parent had not yet read that we listen.
    with contextlib.suppress(OSError):
        line.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    name, listener_number, line_number = sys.argv[1:]
    raise SystemExit(
        work(Role(name), socket.socket(fileno=int(listener_number)), socket.socket(fileno=int(line_number)))
    )
