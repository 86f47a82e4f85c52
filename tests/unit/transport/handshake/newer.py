"""Two devices with one identity: an older connection, and newer ones at their handshake."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Connection
from ocpp_server.transport.handshake import duplicates
from tests.unit.transport.clock import Clock

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OLDER, NEWER = "192.0.2.1", "192.0.2.2"


def older(id: str = "older", identity: str = "CP-1") -> Connection:
    """The connection that a station has already."""
    return Connection(id, identity, "ocpp1.6", "process", OLDER, NOON)


async def answers(state: MemoryState, connection_id: str = "older", seconds: int = 120) -> None:
    """Let the station behind a connection answer all probes of these seconds."""
    for _ in range(seconds):
        await state.probes.confirm(connection_id)
        await asyncio.sleep(1)


class Newer:
    """A further connection of a station, which may have to wait."""

    def __init__(self, clock: Clock, identity: str = "CP-1") -> None:
        self.sent: list[dict[str, Any]] = []
        self.leaves = asyncio.Event()
        self.reads = 0
        self.ended_at: float | None = None
        self._clock = clock
        self._entering = asyncio.create_task(self._enter(identity))

    async def enters(self) -> bool:
        """Whether it may enter, once that is decided."""
        return await self._entering

    @property
    def is_waiting(self) -> bool:
        return not self._entering.done()

    @property
    def status(self) -> int | None:
        """The status of its refusal; None when nothing was sent."""
        return self.sent[0]["status"] if self.sent else None

    async def _enter(self, identity: str) -> bool:
        admitted: Any = SimpleNamespace(charge_point=SimpleNamespace(pk=7, identity=identity))
        handshake: Any = SimpleNamespace(address=NEWER)
        scope = {"extensions": {"websocket.http.response": {}}}
        entered = await duplicates.may_enter(
            admitted, handshake, scope=scope, receive=self._receive, send=self._send
        )
        self.ended_at = self._clock.now
        return entered

    async def _receive(self) -> dict[str, Any]:
        self.reads += 1
        try:
            await self.leaves.wait()
        finally:
            self.reads -= 1
        return {"type": "websocket.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
