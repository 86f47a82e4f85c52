"""Thousands of stations that need little CPU time: they connect, boot and send the messages of a test."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterable, Sequence

from bench.wire import StationSocket
from ocpp_server.transport.handshake.authentication import hash_password
from tests.distributed.cluster import Cluster
from tests.servers import LiveServer
from tests.stored_stations import insert_stations

PASSWORD = b"a password of fast stations"
BOOT = b'[2,"boot","BootNotification",{"chargePointVendor":"Fast","chargePointModel":"Fast"}]'
TIMEOUT_S = 120.0


def provision(cluster: Cluster, identities: Iterable[str]) -> None:
    """Insert accepted stations with security profile 1 and the same password."""
    insert_stations(cluster.database_url, identities, password_hash=hash_password(PASSWORD))


class FastStation:
    """One station with HTTP basic authentication. `status` is the registration status of its last boot."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.status = ""
        self._socket: StationSocket | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._gone = asyncio.Event()

    async def connect(self, server: LiveServer) -> tuple[float, float]:
        """Connect and boot. Return the seconds until the boot was answered, since the start of the connection
        and since the boot was sent. Raises OSError.
        """
        loop = asyncio.get_running_loop()
        self._opened, began = loop.create_future(), time.perf_counter()
        self._gone.clear()
        credentials = base64.b64encode(self.identity.encode() + b":" + PASSWORD).decode()
        _, self._socket = await loop.create_connection(
            lambda: StationSocket(
                f"/ocpp/{self.identity}",
                "ocpp1.6",
                headers=f"Authorization: Basic {credentials}\r\n",
                opened=self._is_open,
                received=self._received,
                lost=self._lost,
            ),
            "127.0.0.1",
            server.port,
        )
        await asyncio.wait_for(self._opened, TIMEOUT_S)
        sent = time.perf_counter()
        answer = json.loads(await self.call(BOOT))
        now = time.perf_counter()
        self.status = answer[2]["status"]
        return now - began, now - sent

    async def call(self, text: bytes) -> bytes:
        """Send a CALL and return its answer. Raises ConnectionError."""
        assert self._socket is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._socket.send(text)
        return await asyncio.wait_for(self._answer, TIMEOUT_S)

    async def leave(self) -> None:
        if self._socket is not None:
            self._socket.close()
            await self.is_gone()

    async def is_gone(self) -> None:
        await asyncio.wait_for(self._gone.wait(), TIMEOUT_S)

    def _is_open(self) -> None:
        assert self._opened is not None
        self._opened.set_result(None)

    def _received(self, text: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(text)

    def _lost(self, reason: str) -> None:
        self._gone.set()
        for waiting in (self._opened, self._answer):
            if waiting is not None and not waiting.done():
                waiting.set_exception(ConnectionError(f"{self.identity}: {reason}"))


async def connect_all(
    fast_stations: Sequence[FastStation], servers: Sequence[LiveServer], *, over_s: float
) -> list[tuple[float, float] | BaseException]:
    """Connect and boot all stations, spread over `over_s` seconds and over the servers.

    Returns the result or the exception of each `connect`.
    """

    async def one(number: int, fast_station: FastStation) -> tuple[float, float]:
        await asyncio.sleep(over_s * number / len(fast_stations))
        return await fast_station.connect(servers[number % len(servers)])

    return await asyncio.gather(
        *(one(number, fast_station) for number, fast_station in enumerate(fast_stations)),
        return_exceptions=True,
    )


def percentile(values: Iterable[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[round(percent / 100 * (len(ordered) - 1))]
