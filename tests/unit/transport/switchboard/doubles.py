"""Messages between processes reach the connection they are for, once, and their senders learn of the end.

Two processes share the channel layer here. Their connections only note what arrives: what a real one does
with it is the subject of other tests.
"""

from __future__ import annotations

import asyncio
import contextvars
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ocpp_server import live
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Connection
from ocpp_server.transport.messages import (
    StationCall,
)
from ocpp_server.transport.switchboard import Switchboard


class Noted:
    """A connection that notes what it is asked."""

    def __init__(self, identity: str = "CP-1", *, accepts: bool = False) -> None:
        self.station = SimpleNamespace(identity=identity, pk=7)
        self.is_replaced = False
        self.calls: list[StationCall] = []
        self.events: list[Any] = []
        self.seen_in: list[str] = []
        self._accepts = accepts

    async def call(self, command: StationCall) -> None:
        self.seen_in.append(_request.get())
        self.calls.append(command)

    async def replace(self) -> None:
        self.events.append("replaced")

    async def changed(self) -> bool:
        self.events.append("changed")
        return self._accepts

    async def dismiss(self, code: int, reason: str) -> None:
        self.events.append((code, reason))


class Shared(MemoryState):
    """The live state of both processes. It notes the Redis scripts for gateways and answers as told."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[Any] = []
        self.ran: list[tuple[Any, ...]] = []
        self.answers: list[Any] = []
        self.is_away = False
        self.asked_in: list[str] = []
        self.gate: asyncio.Event | None = None

    def station_changed(self, station: Any) -> None:
        self.published.append(station)

    async def connection(self, identity: str) -> Connection | None:
        self.asked_in.append(_request.get())
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise live.LiveStateUnavailable
        return await super().connection(identity)

    async def run(self, script: Any, keys: list[str], *arguments: str | int) -> Any:
        self.ran.append(arguments)
        return self.answers.pop(0) if self.answers else None


_request = contextvars.ContextVar("_request", default="none")


Both = tuple[Switchboard, Switchboard]


def registered(process: Switchboard, id: str = "k1", identity: str = "CP-1") -> Connection:
    return _registered(process.channel, id, identity)


def _registered(channel: str, id: str, identity: str = "CP-1") -> Connection:
    return Connection(id, identity, "ocpp1.6", channel, "10.0.0.1", datetime.now(UTC), server="gw")


def at_gateway(id: str = "k1") -> Connection:
    return _registered("", id)


def a_call(id: str = "c1", **more: Any) -> StationCall:
    values = {"identity": "CP-1", "id": id, "action": "Reset", "payload": {}, "timeout": 30, "reply_to": "x"}
    return StationCall(**(values | more))


async def settle() -> None:
    """Let everything run that is not waiting for a timer."""
    for _ in range(30):
        await asyncio.sleep(0)


async def broken(*_: Any) -> None:
    raise OSError("refused")


async def hanging(*_: Any) -> None:
    await asyncio.sleep(3_600)


def raising(error: Exception) -> Any:
    async def function(*_: Any) -> None:
        raise error

    return function
