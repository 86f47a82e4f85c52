"""The health file: a process without a port writes it, and the healthcheck reads it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

from ocpp_server.environment import env
from ocpp_server.process import health_file
from ocpp_server.process.health_file import HealthWriter
from tests.conformance.peer import eventually


def wrong(path: Path, *, ready: bool = False) -> str:
    return health_file.check(env.read({"HEALTH_FILE": str(path)}), ready=ready)


async def test_a_process_is_healthy_while_its_loop_writes_and_not_after_its_stop(tmp_path: Path) -> None:
    path, process = tmp_path / "health", HealthWriter()

    async def status() -> dict[str, Any]:
        return {"redis": {"ok": False, "detail": "Redis does not answer."}, "database": {"ok": True}}

    assert "has not started" in wrong(path)
    process.start(status, path=str(path), port=None)
    await eventually(path.exists)

    assert wrong(path) == ""
    assert wrong(path, ready=True) == "Not ready: redis."

    await process.stop()
    assert "has not started" in wrong(path)


async def test_a_blocked_loop_is_detected(tmp_path: Path) -> None:
    path, process = tmp_path / "health", HealthWriter()

    async def status() -> dict[str, Any]:
        return {}

    process.start(status, path=str(path), port=None)
    await eventually(path.exists)
    os.utime(path, (0, 0))

    assert "stands still" in wrong(path)
    await process.stop()


async def test_a_process_with_a_port_must_answer_there_too(tmp_path: Path) -> None:
    path, process = tmp_path / "health", HealthWriter()
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def status() -> dict[str, Any]:
        return {}

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process.start(status, path=str(path), port=port)
    await eventually(path.exists)

    assert await asyncio.to_thread(wrong, path) == ""
    assert await asyncio.to_thread(wrong, path) == f"Port {port} answered 500."
    server.close()
    await server.wait_closed()
    assert "does not answer" in await asyncio.to_thread(wrong, path)
    await process.stop()
