"""Processes pinned to cores, and their processor time and memory."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, LOAD_CORE = 0, 1


def _cpu_clock(pid: int, otherwise: float) -> float:
    """Return a process's processor time in seconds from its own clock of Linux, which counts nanoseconds: the
    kernel's table of processes has hundredths of a second, too coarse for ten messages a second.
    """
    if sys.platform != "linux":
        return otherwise
    try:
        return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3)
    except OSError:
        raise ProcessLookupError(pid) from None


class Process:
    """A process with its children."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return user and system time so far."""
        total = 0.0
        for member in self._family():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                times = member.cpu_times()
                total += _cpu_clock(member.pid, times.user + times.system)
                # Ended children count as well: PostgreSQL starts and ends backends.
                total += times.children_user + times.children_system
        return total

    def memory(self) -> int:
        """Return resident memory in bytes."""
        return sum(member.memory_info().rss for member in self._family())


def on_core(core: int | None) -> Callable[[], None]:
    """For `preexec_fn`: pin to this core where the system supports it, and raise the limit of open files."""

    def apply() -> None:
        if core is not None and hasattr(os, "sched_setaffinity") and core < (os.cpu_count() or 1):
            os.sched_setaffinity(0, {core})
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return apply


_calls = itertools.count()


def free_port(first: int) -> int:
    """Return a free port from `first` on, another one with each call: several servers may be starting.
    With 0, the system chooses.
    """
    begin = next(_calls) % 100
    for port in [0] if first == 0 else (first + (begin + n) % 100 for n in range(100)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit(f"No free port from {first} to {first + 99}.")


def wait_for(
    process: subprocess.Popen[bytes], port: int, log: Path, *, path: str = "", timeout: float = 60
) -> None:
    """Wait until a port listens; with a path, until it answers 200, as this server listens before it can
    serve.
    """
    deadline = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError):
            if answers(port, path):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The server did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)


def answers(port: int, path: str) -> bool:
    """Return whether the path answers 200. Raises OSError when nothing listens."""
    if not path:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except http.client.HTTPException:
        return False
    finally:
        connection.close()


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files, which children inherit. Raises SystemExit with the command
    that would allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
        except (ValueError, OSError):
            raise SystemExit(
                f"This part needs {count:,} open files a process, and the limit is {hard:,}: "
                f"start it with `ulimit -n {count}` or raise LimitNOFILE and fs.nr_open."
            ) from None


def require_memory(needed: int, purpose: str) -> None:
    """Raises SystemExit when the machine has less than `needed` bytes of free memory."""
    available = psutil.virtual_memory().available
    if available < needed:
        raise SystemExit(
            f"{purpose} needs about {needed / 2**30:.1f} GiB of free memory, and {available / 2**30:.1f} GiB "
            "are available."
        )


class Generator:
    """The load generator's process: takes a job, returns its figures."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=on_core(LOAD_CORE),  # noqa: PLW1509 - no threads yet
        )

    def do(self, job: str, **values: Any) -> dict[str, Any]:
        """Run a job. Raises SystemExit when the server failed: such a run has no figures."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"job": job, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The load generator ended.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SystemExit(f"{job} {values}: {answer['error']}")
        return answer

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def described() -> dict[str, Any]:
    """Return a description of this machine."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }
