"""Stations that charge during outages of the server. They repeat a message unchanged until it is answered."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.conformance.peer import TIMEOUT_S, V16, at, boot_payload, eventually, fresh, new_id
from tests.direct.samples import expanded
from tests.distributed.cluster import Cluster
from tests.servers import LiveServer

_meters = itertools.count(1_000)


class Charger:
    """A 1.6 station. `sessions` holds the number and both meters of each acknowledged session."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.identity = fresh()
        self.sessions: list[tuple[int, int, int]] = []
        self.readings = 0
        self.answers = 0
        self.errors: list[Any] = []
        self.closes: list[int | None] = []
        self.refusals: list[int] = []
        self.is_ending = False
        self._socket: ClientConnection | None = None

    async def run(self) -> None:
        try:
            while not self.is_ending:
                await self.charge()
        finally:
            if self._socket is not None:
                await self._socket.close()

    async def charge(self) -> None:
        begin = next(_meters)
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": begin, "timestamp": at()}
        number = (await self.deliver("StartTransaction", start))["transactionId"]
        value = {"value": str(begin + 1), "measurand": "Energy.Active.Import.Register"}
        sample = {"timestamp": at(), "sampledValue": [value]}
        await self.deliver("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]})
        self.readings += 1
        end = next(_meters)
        await self.deliver("StopTransaction", {"transactionId": number, "meterStop": end, "timestamp": at()})
        self.sessions.append((number, begin, end))

    async def deliver(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send until a CALLRESULT comes. A CALLERROR is recorded, and the message is sent again."""
        message_id = new_id()
        while True:
            try:
                socket = await self._connected()
                frame = await self._exchange(socket, message_id, action, payload)
            except ConnectionClosed:
                self._socket = None
                self.closes.append(socket.close_code)
            except (InvalidStatus, OSError, TimeoutError) as error:
                self._socket = None
                if isinstance(error, InvalidStatus):
                    self.refusals.append(error.response.status_code)
                await asyncio.sleep(0.2)  # real stations wait longer before they connect again
            else:
                self.answers += 1
                if frame[0] == 3:
                    answer: dict[str, Any] = frame[2]
                    return answer
                self.errors.append(frame)
                await asyncio.sleep(0.2)

    async def _connected(self) -> ClientConnection:
        if self._socket is None:
            url = f"{self.server.ocpp}/{self.identity}"
            socket = await connect(url, subprotocols=[Subprotocol(V16)], proxy=None, ping_interval=None)
            await self._exchange(socket, new_id(), "BootNotification", boot_payload(V16))
            self._socket = socket
        return self._socket

    @staticmethod
    async def _exchange(socket: ClientConnection, message_id: str, action: str, payload: Any) -> list[Any]:
        await socket.send(json.dumps([2, message_id, action, payload]))
        while True:
            frame: list[Any] = json.loads(await socket.recv())
            if frame[1] == message_id:
                return frame


@asynccontextmanager
async def charging(server: LiveServer, count: int = 10) -> AsyncIterator[list[Charger]]:
    """Run stations. At the end, wait until each has finished its current session."""
    chargers = [Charger(server) for _ in range(count)]
    running = [asyncio.ensure_future(charger.run()) for charger in chargers]
    try:
        await more_answers(chargers)
        yield chargers
        await more_answers(chargers)
        for charger in chargers:
            charger.is_ending = True
        await asyncio.wait_for(asyncio.gather(*running), 6 * TIMEOUT_S)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def more_answers(chargers: list[Charger], each: int = 3) -> None:
    before = [charger.answers for charger in chargers]

    def has_come() -> bool:
        return all(now.answers >= then + each for now, then in zip(chargers, before, strict=True))

    await eventually(has_come, 4 * TIMEOUT_S)


def assert_undisturbed(cluster: Cluster, chargers: list[Charger]) -> None:
    """Check that no socket was closed, no station got an error, and every session is stored once."""
    assert [charger.closes for charger in chargers if charger.closes or charger.refusals] == []
    assert [charger.errors for charger in chargers if charger.errors] == []
    rows = cluster.rows("SELECT id, meter_start_wh, meter_stop_wh FROM transactions_transaction ORDER BY id")
    stored = [(row["id"], row["meter_start_wh"], row["meter_stop_wh"]) for row in rows]
    assert stored == sorted(session for charger in chargers for session in charger.sessions)
    samples = expanded(cluster.rows("SELECT samples FROM transactions_reading"))
    periodic = [one for one in samples if one["context"] == "Sample.Periodic"]
    assert len(periodic) == sum(charger.readings for charger in chargers)
