"""The application works under any ASGI server: a station charges under uvicorn and under daphne."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import pytest_asyncio
import websockets

from tests.processes import Launched, launch
from tests.servers import free_port

COMMANDS = {
    "uvicorn": ["module", "uvicorn", "ocpp_server.asgi:application", "--ws", "websockets-sansio", "--port"],
    "daphne": ["module", "daphne", "ocpp_server.asgi:application", "-b", "127.0.0.1", "-p"],
    "runserver": ["manage", "runserver", "--noreload"],
}


@pytest_asyncio.fixture(params=COMMANDS, scope="module", loop_scope="module")
async def server(
    request: Any, tmp_path_factory: pytest.TempPathFactory, migrated_database: Path
) -> AsyncIterator[int]:
    tmp_path = tmp_path_factory.mktemp("server")
    copy(migrated_database, tmp_path / "db.sqlite3")
    port = free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ocpp_server.settings",
        "DATA_DIR": str(tmp_path),
        "ENV_FILE": os.devnull,
        "OCPP_UNKNOWN_STATIONS": "accept",
    }
    with open(tmp_path / "server.log", "wb") as log:
        command = [*COMMANDS[request.param], str(port)]
        process = launch(*command, environment=environment, stdout=log, stderr=log)
    try:
        await asyncio.wait_for(_listening(port, process, tmp_path / "server.log"), 120)
        yield port
    finally:
        process.terminate()
        process.wait(60)


async def _listening(port: int, process: Launched, log: Path) -> None:
    while process.poll() is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)  # no event to await: another process is starting
        else:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            return
    raise AssertionError(log.read_text())


async def test_a_station_boots_and_charges(server: int) -> None:
    async with websockets.connect(
        f"ws://127.0.0.1:{server}/ocpp/CP-1",
        subprotocols=[websockets.Subprotocol("ocpp1.6")],
        open_timeout=60,
    ) as socket:
        boot = await call(socket, "BootNotification", chargePointVendor="V", chargePointModel="M")
        start = await call(
            socket,
            "StartTransaction",
            connectorId=1,
            idTag="A",
            meterStart=5,
            timestamp=datetime.now(UTC).isoformat(),
        )

    assert boot["status"] == "Accepted"
    assert start["transactionId"] == 1000


async def test_health_is_answered(server: int) -> None:
    def health() -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{server}/health", timeout=60) as answer:
            return json.load(answer)

    answer = await asyncio.to_thread(health)

    assert answer["success"] is True


async def test_a_body_beyond_the_limit_is_refused_in_the_envelope(server: int) -> None:
    def send() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", server, timeout=60)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json", "Authorization": "Api-Key of-nobody"}
            connection.request("POST", "/api/v1/authorize", b" " * (2 << 20), headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)

    status, answer = await asyncio.to_thread(send)

    assert (status, answer["success"]) == (413, False)
    assert answer["data"] == {"code": "body-too-large", "limit": 1 << 20, "size": 2 << 20}


async def call(socket: websockets.ClientConnection, action: str, **payload: Any) -> Any:
    await socket.send(json.dumps([2, action, action, payload]))
    kind, _, answer = json.loads(await asyncio.wait_for(socket.recv(), 60))
    assert kind == 3, answer
    return answer
