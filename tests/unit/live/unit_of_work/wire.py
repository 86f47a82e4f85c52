"""A station's connection without a socket, for tests of the unit of work."""

from __future__ import annotations

from typing import Any

import orjson

from ocpp_server.live.station import Station
from ocpp_server.transport.conversation import StationConnection


class Wire:
    """A station's connection without a socket: a test passes in frames and reads the answers."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.sent: list[list[Any]] = []
        self.closed: list[int] = []
        self.connection = StationConnection(
            station, send=self._send, close=self._close, finished=self._finished
        )
        self._number = 0

    async def _send(self, text: str) -> None:
        self.sent.append(orjson.loads(text))

    async def _close(self, code: int, reason: str) -> None:
        self.closed.append(code)

    async def _finished(self, command_id: str, reply_to: str) -> None: ...

    async def call(self, action: str, payload: dict[str, Any]) -> list[Any]:
        self._number += 1
        frame = [2, f"m{self._number}", action, payload]
        await self.connection.received(orjson.dumps(frame).decode())
        return self.sent[-1] if self.sent else []
