"""A station's connection without a socket."""

from __future__ import annotations

import itertools
from typing import Any

import orjson

from ocpp_server.live.station import Station
from ocpp_server.transport.conversation import StationConnection

# Two connections of one station share its answered messages: an id must not come twice by accident.
_message_ids = itertools.count(1)


class Wire:
    """A station's connection without a socket: a test passes in frames and reads the answers."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.sent: list[list[Any]] = []
        self.closed: list[int] = []
        self.connection = StationConnection(
            station, send=self._send, close=self._close, finished=self._finished
        )

    async def _send(self, text: str) -> None:
        self.sent.append(orjson.loads(text))

    async def _close(self, code: int, reason: str) -> None:
        self.closed.append(code)

    async def _finished(self, command_id: str, reply_to: str) -> None: ...

    async def call(self, action: str, payload: dict[str, Any], message_id: str = "") -> list[Any]:
        """Send a request and return the last frame that was sent to the station: its answer.

        A message id of the caller's own makes a repetition of an earlier message.
        """
        frame = [2, message_id or f"m{next(_message_ids)}", action, payload]
        await self.connection.received(orjson.dumps(frame).decode())
        return self.sent[-1] if self.sent else []
