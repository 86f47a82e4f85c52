"""The client of the launcher: starts a process, sends it signals and waits for its exit status."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent.parent
_START_S = 120
_lock = threading.Lock()


class Launched:
    """A process the launcher has forked, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, status: socket.socket, name: str) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        self._name = name

    def poll(self) -> int | None:
        """Return the exit status (negative for a signal), or None while the process runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status. Raises subprocess.TimeoutExpired."""
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self._name, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            # poll, because select takes no descriptor above 1023: load tests hold thousands of sockets.
            end = select.poll()
            end.register(self._status, select.POLLIN)
            if end.poll(None if timeout is None else timeout * 1000):
                # A killed launcher sends no status; its processes are killed with it.
                received = self._status.recv(16)
                self.returncode = int(received) if received else -signal.SIGKILL
                self._status.close()
        return self.returncode


def launch(
    kind: str,
    *words: str,
    environment: Mapping[str, str],
    cwd: Path | str = ROOT,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    user: int | None = None,
) -> Launched:
    """Start a process that cannot outlive this one.

    `kind` is `run` (`run.py WORDS`), `manage` (`manage.py WORDS`), `module` (`python -m WORDS`), `call`
    (`package.module:function` and its string arguments) or `command` (any other program). All kinds except
    `command` use the modules the launcher has imported, which saves seconds.
    Input and output default to the null device.
    """
    assert "TESTS_START_NO_PROCESS" not in os.environ, "a test of `run.py test --fast` starts a process"
    request = {"kind": kind, "words": words, "environment": dict(environment), "cwd": str(cwd), "user": user}
    receiver, reporter = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    null = os.open(os.devnull, os.O_RDWR)
    try:
        files = [null if file is None else file if isinstance(file, int) else file.fileno() for file in
                 (stdin, stdout, stderr)]  # fmt: skip
        with _lock:
            socket.send_fds(_launcher(), [json.dumps(request).encode()], [reporter.fileno(), *files])
    finally:
        os.close(null)
        reporter.close()
    receiver.settimeout(_START_S)
    pid = receiver.recv(16)
    assert pid, "the launcher of the tests ended"
    receiver.settimeout(None)
    return Launched(int(pid), receiver, " ".join([kind, *words]))


async def output_of(
    kind: str, *words: str, environment: Mapping[str, str], cwd: Path | str = ROOT, timeout: float = 120
) -> tuple[int, str, str]:
    """Run a process and return its exit status, standard output and standard error. Raises TimeoutExpired."""
    return await asyncio.to_thread(finished, kind, *words, environment=environment, cwd=cwd, timeout=timeout)


def finished(
    kind: str, *words: str, environment: Mapping[str, str], cwd: Path | str = ROOT, timeout: float = 120
) -> tuple[int, str, str]:
    """Do the same as `output_of`, for tests without an event loop."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = launch(kind, *words, environment=environment, cwd=cwd, stdout=out, stderr=err)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return status, texts[0], texts[1]


class Running:
    """A process whose output is read while it runs, like the one of `asyncio.create_subprocess_exec`."""

    def __init__(
        self, process: Launched, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader | None = None
    ) -> None:
        self.process = process
        self.stdout = stdout
        self.stderr = stderr or asyncio.StreamReader()
        if stderr is None:
            self.stderr.feed_eof()

    @property
    def returncode(self) -> int | None:
        return self.process.poll()

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def wait(self) -> int:
        return await asyncio.to_thread(self.process.wait)

    async def communicate(self) -> tuple[bytes, bytes]:
        """Read both outputs to their end. A cancelled caller kills the process."""
        try:
            out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
            await self.wait()
        except BaseException:
            self.process.kill()
            raise
        return out, err


async def running(
    kind: str,
    *words: str,
    environment: Mapping[str, str],
    cwd: Path | str = ROOT,
    stderr: IO[Any] | None = None,
) -> Running:
    """Start a process with pipes for its output. With `stderr`, standard error goes to that file instead."""
    readers, ends = [], []
    for _ in range(2 if stderr is None else 1):
        reading, writing = os.pipe()
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda reader=reader: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
        )
        readers.append(reader)
        ends.append(writing)
    try:
        process = await asyncio.to_thread(
            launch, kind, *words, environment=environment, cwd=cwd, stdout=ends[0], stderr=stderr or ends[1]
        )
    finally:
        for end in ends:
            os.close(end)
    return Running(process, *readers)


def must(kind: str, *words: str, environment: Mapping[str, str]) -> str:
    """Run a process, assert that it succeeded and return its standard output."""
    status, out, err = finished(kind, *words, environment=environment)
    assert status == 0, out + err
    return out


@cache
def _launcher() -> socket.socket:
    """Start the launcher and return the connection to it. The launcher ends when the connection closes."""
    control, launcher_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # The launcher gets its own data folder: it loads the settings once, and they create a secret key there.
    folder = tempfile.mkdtemp(prefix="ocpp-launcher-")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.processes.launcher", str(launcher_end.fileno()), folder],
        cwd=ROOT,
        pass_fds=[launcher_end.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches only the test run, which ends its processes in order
    )
    launcher_end.close()
    atexit.register(_close, control, process)
    return control


def start() -> None:
    """Start the launcher now: processes that are forked from this one then use the same."""
    _launcher()


def _close(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    process.wait()
