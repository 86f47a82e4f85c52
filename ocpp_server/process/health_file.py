"""The health file: the event loop of a process writes it every few seconds, to show that it is alive.

`run.py healthcheck` reads it: roles without a port have no other probe. Standard library only.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ocpp_server import listening
from ocpp_server.environment import roles

Status = Callable[[], Awaitable[dict[str, Any]]]

EVERY_S = 5.0
# An older file means that the process is stuck. Long enough for the grace period of a shutdown on a loaded
# machine.
STALE_S = 45.0
ANSWER_S = 3.0


class HealthWriter:
    """Runs the task that writes the health file; does nothing without HEALTH_FILE."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._path = Path()

    def start(self, status: Status, *, path: str, port: int | None) -> None:
        """Start the task. `status` returns the parts of the readiness probe: {name: {"ok", "detail"}}."""
        if path:
            self._path = Path(path)
            self._task = asyncio.get_running_loop().create_task(_keep_writing(self._path, status, port))

    async def stop(self) -> None:
        """Stop the task and remove the file: the next process in this place has not started yet."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._path.unlink(missing_ok=True)


health_writer = HealthWriter()


async def _keep_writing(path: Path, status: Status, port: int | None) -> None:
    while True:
        try:
            async with asyncio.timeout(EVERY_S):
                parts = await status()
            down = sorted(name for name, part in parts.items() if not part["ok"])
        except TimeoutError:
            down = ["status"]
        text = json.dumps({"role": roles.current(), "port": port, "down": down})
        try:
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(text)
            draft.replace(path)
        except OSError as error:
            # The probe then reports an old or missing file.
            sys.stderr.write(f"HEALTH_FILE: {path} can't be written ({error.strerror}).\n")
        await asyncio.sleep(EVERY_S)


def check(values: Mapping[str, Any], *, ready: bool) -> str:
    """The fault of the process that runs with these settings, as a sentence; empty without one.

    A process is alive when it has written its file recently and answers on its port; `ready` checks its
    dependencies too.
    """
    path, port = values["HEALTH_FILE"], values["HTTP_PORT"]
    if path:
        file = Path(path)
        try:
            age = time.time() - file.stat().st_mtime
            written = json.loads(file.read_text())
        except (OSError, ValueError):
            return f"There is no {path} yet: the process has not started."
        if age > STALE_S:
            return f"The {written['role']} process wrote {path} {age:.0f} s ago: its event loop stands still."
        if ready and written["down"]:
            return f"Not ready: {', '.join(written['down'])}."
        port = written["port"]
    if port is None:
        return ""
    host = listening.own_host(values["LISTEN_ADDRESS"])
    connection = _connection(host, port, is_tls=values["TLS_CERT"] is not None)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"Port {port} does not answer ({error})."
    return "" if answer == 200 else f"Port {port} answered {answer}."


def _connection(host: str, port: int, *, is_tls: bool) -> http.client.HTTPConnection:
    if not is_tls:
        return http.client.HTTPConnection(host, port, timeout=ANSWER_S)
    # The certificate is not verified: this request does not leave the machine.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=ANSWER_S, context=context)
