"""Several worker processes of one role behind one port, for `run.py web` with WEB_WORKERS.

Each worker has listening sockets of its own on the shared port, so that the kernel distributes the stations
evenly; with one socket for all, most stations would go to the worker that is idle at the moment. The parent
keeps the sockets open: while a dead worker is replaced, its clients wait and are not refused.
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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocpp_server.environment import roles
from ocpp_server.environment.roles import Role
from ocpp_server.listening import Listeners
from ocpp_server.process import start
from ocpp_server.process.serving import prepare, serve_on

ROOT = Path(__file__).resolve().parent.parent.parent
POLL_S = 0.2


class Worker:
    """A worker process and its listening sockets.

    A socket pair connects it with the parent: the worker reports that it listens, and ends when the parent's
    end is closed.
    """

    def __init__(self, role: Role, listeners: Listeners) -> None:
        self.role = role
        self.listeners = listeners
        self.spawn()

    def spawn(self) -> None:
        self.is_up = False
        self.parent_end, worker_end = socket.socketpair()
        self.parent_end.setblocking(False)
        passed = [worker_end.fileno(), *(listener.fileno() for listener in self.listeners)]
        # In a session of its own: Ctrl-C reaches only the parent, or each worker would get the signal twice.
        self.process = subprocess.Popen(  # noqa: S603 - this project's own module
            [sys.executable, "-m", "ocpp_server.process.workers", self.role, *map(str, passed)],
            cwd=ROOT,
            pass_fds=passed,
            start_new_session=True,
        )
        worker_end.close()

    def poll(self) -> int | None:
        """Update `is_up`; returns the exit status of a worker that has ended, else None."""
        if not self.is_up:
            try:
                self.is_up = self.parent_end.recv(1) == b"1"
            except BlockingIOError:
                self.is_up = False
        return self.process.poll()

    def wait(self) -> int:
        """Wait for the exit status; it counts as 0 when SIGTERM has ended the worker during its start."""
        status = self.process.wait()
        return 0 if status == -signal.SIGTERM and not self.is_up else abs(status)

    def respawn(self) -> None:
        self.parent_end.close()
        sys.stderr.write(
            f"Worker {self.process.pid} ended with {self.process.returncode}; another one takes over.\n"
        )
        self.spawn()


class WorkerPool:
    """All workers, from the first start to the last exit."""

    def __init__(self, role: Role, values: Mapping[str, Any]) -> None:
        start.listen_to_stations(values).close()  # raises StartError when another program uses the port
        count: int = values["WEB_WORKERS"]
        self.workers = [Worker(role, start.listen_to_stations(values, is_shared=True)) for _ in range(count)]
        self.signals = 0

    def handle_signal(self, *_: object) -> None:
        self.signals += 1
        if self.signals > 1:
            for worker in self.workers:
                worker.process.terminate()

    def run(self, banner: str) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_signal)
        while not self.signals:
            if banner and all(worker.is_up for worker in self.workers):
                print(banner, flush=True)
                banner = ""
            for worker in self.workers:
                status = worker.poll()
                if status is None or self.signals:
                    continue
                if not worker.is_up:
                    # The worker could not start, so another attempt would fail too.
                    self._end()
                    return abs(status) or 1
                worker.respawn()
            time.sleep(POLL_S)
        return self._end()

    def _end(self) -> int:
        """End the workers and wait for them, their grace period included; returns the highest exit status."""
        for worker in self.workers:
            worker.listeners.close()
            worker.parent_end.close()
        return max(worker.wait() for worker in self.workers)


def run(role: Role, values: Mapping[str, Any]) -> int:
    """Start the workers, replace dead ones, and end all on a signal. Raises SettingError and StartError."""
    configured = prepare(role)
    status = WorkerPool(role, values).run(start.banner(configured.ENVIRONMENT, {}, demo=False))
    print(f"The {role} processes have stopped.", flush=True)
    return status


# -- in the worker ---------------------------------------------------------------------------------------


def work(role: Role, worker_end: socket.socket, listeners: Listeners) -> int:
    roles.begin(role)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
    threading.Thread(target=_end_with_parent, args=(worker_end,), daemon=True).start()
    try:
        prepare(role)
        serve_on(role, listeners, banner="", listening=lambda: _report_listening(worker_end))
    except start.StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    return 0


def _report_listening(worker_end: socket.socket) -> None:
    # OSError: the parent has ended or is ending; `_end_with_parent` then ends this process.
    with contextlib.suppress(OSError):
        worker_end.send(b"1")


def _end_with_parent(worker_end: socket.socket) -> None:
    """End this process when the parent closes its end of the socket pair, also when the parent is killed."""
    # OSError: the connection is reset when the parent has not read the report of this process.
    with contextlib.suppress(OSError):
        worker_end.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    name, *descriptors = sys.argv[1:]
    end, *opened = [socket.socket(fileno=int(number)) for number in descriptors]
    raise SystemExit(work(Role(name), end, Listeners(opened)))
