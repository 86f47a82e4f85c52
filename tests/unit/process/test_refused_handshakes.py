"""Handshakes that are open while the process stops: uvicorn answers them, and the application again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ocpp_server.process.sockets import StationSocket
from ocpp_server.transport.handshake.denial import deny
from tests.servers import free_port


@asynccontextmanager
async def serving(application: Callable[..., Any]) -> AsyncIterator[int]:
    """A server of this application; its port."""
    port = free_port()
    config = uvicorn.Config(application, port=port, ws=StationSocket, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)  # poll: uvicorn has no event for it
    yield port
    server.should_exit = True
    await running


def socket_of(scope: Any) -> StationSocket:
    found = scope["extensions"]["ocpp.silence"].__self__
    assert isinstance(found, StationSocket)
    return found


async def refused(port: int) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"ws://127.0.0.1:{port}/ocpp/CP", proxy=None)
    return int(refusal.value.response.status_code)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        str(record.exc_info or record.msg) for record in caplog.records if record.levelno >= logging.ERROR
    ]


@pytest.mark.parametrize("kind", ["deny", "close"])
async def test_a_refusal_after_the_answer_of_a_stopping_process_is_no_error(
    caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        socket_of(scope).shutdown()
        await (deny(scope, send, 503) if kind == "deny" else send({"type": "websocket.close"}))

    async with serving(application) as port:
        status = await refused(port)

    assert (status, errors(caplog)) == (500, [])


async def test_a_process_stops_after_an_error_in_an_open_handshake(caplog: pytest.LogCaptureFixture) -> None:
    stopped = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        asyncio.get_running_loop().call_soon(stop, socket_of(scope))
        raise LookupError("an error of the application")

    def stop(socket: StationSocket) -> None:
        socket.shutdown()
        stopped.append(socket)

    async with serving(application) as port:
        status = await refused(port)

    assert (status, len(stopped)) == (500, 1)
    assert ["LookupError" in error for error in errors(caplog)] == [True]
