"""The commands of one station over a connection without a socket.

The connection, the session, the queue of commands and the store of the app are the real ones; commits are
only noted here.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from chargepoints.services import commands
from chargepoints.tables import COMMANDS, MESSAGES
from events.tables import EVENTS
from ocpp_server.live import unit_of_work
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.messages import StationCall
from tests.unit.transport.clock import Clock

SITE = 5


def a_station(version: str = V16) -> Station:
    station = Station(pk=3, identity="CP-1", version=version)
    station.registration_status = "Accepted"
    station.site_pk = SITE
    return station


class Desk:
    """Sends commands to a station and notes in `log` what happens, in its order."""

    def __init__(self, clock: Clock, version: str = V16, *, has_booted: bool = True) -> None:
        self.clock = clock
        self.log: list[tuple[Any, ...]] = []
        # What the journal is asked to store, by the id of the command.
        self.results: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.late: list[tuple[str, str]] = []
        # The errors of the next commits; None for one that succeeds.
        self.errors: list[Exception | None] = []
        self.gate: asyncio.Future[None] | None = None
        self.send_error: Exception | None = None
        self.loads = 0
        self.ended: Any = None
        self.station = a_station(version)
        self.station.has_booted = has_booted
        self.connect()

    def connect(self) -> None:
        """Open a connection of the station as it is now."""
        self.connection = StationConnection(
            self.station, send=self._send, close=self._close, finished=self._finished
        )

    async def call(self, id: str = "c1", action: str = "ClearCache", **more: Any) -> None:
        values = {"payload": {}, "timeout": 30.0, "reply_to": f"caller of {id}", "actor": "ann"} | more
        await self.connection.call(StationCall(identity="CP-1", id=id, action=action, **values))

    async def ready(self) -> None:
        """The first message of the station: from now on commands are sent at once."""
        await self.receives(2, "first", "Heartbeat", {})
        self.log.clear()

    async def receives(self, *frame: Any, text: str = "") -> None:
        await self.connection.received(text or orjson.dumps(frame).decode())

    async def answers(self, id: str = "c1", payload: Any = None) -> None:
        await self.receives(3, id, {"status": "Accepted"} if payload is None else payload)

    @property
    def sent(self) -> list[str]:
        """The ids of the commands that were sent, in their order."""
        return [frame[1] for kind, frame in self.of("sent") if frame[0] == 2]

    @property
    def states(self) -> dict[str, str]:
        """The stored state of each command."""
        return {id: str(columns["state"]) for id, columns in self.results.items()}

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] == kind]

    # -- the socket --------------------------------------------------------------------------------------

    async def _send(self, text: str) -> None:
        if self.send_error is not None:
            raise self.send_error
        self.log.append(("sent", orjson.loads(text)))

    async def _close(self, code: int, reason: str) -> None:
        self.log.append(("closed", code, reason))

    async def _finished(self, command_id: str, reply_to: str) -> None:
        self.log.append(("finished", command_id, reply_to))

    # -- the journal -------------------------------------------------------------------------------------

    async def commit(self, unit: Unit) -> None:
        taken = unit.take()
        if self.gate is not None:
            await self.gate
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        for table, id, columns in taken.updates:
            if table is COMMANDS:
                self.results.setdefault(id, {}).update(columns)
        for table, row in taken.inserts:
            for known, rows in ((MESSAGES, self.messages), (EVENTS, self.events)):
                if table is known:
                    rows.append(dict(zip(table.names, row, strict=True)))
        self.log.append(("stored", *(id for table, id, _ in taken.updates if table is COMMANDS)))

    async def run(self, function: Any, *arguments: Any) -> Any:
        if function is unit_of_work.load_station:
            self.loads += 1
            return a_station(self.station.version)
        if isinstance(function, partial) and function.func is commands.end_unanswered:
            self.log.append(("ended", *arguments, function.keywords))
            return self.ended
        assert function in (commands.mark_sent, commands.mark_late)
        if function is commands.mark_sent:
            self.log.append(("marked", *arguments))
        else:
            self.late.append(arguments)  # type: ignore[arg-type]
        return None


def is_now(at: datetime) -> bool:
    return abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def event_of(desk: Desk) -> dict[str, Any]:
    """The data of the only event, which names the station and its site."""
    (row,) = desk.events
    assert (row["type"], row["station"], row["site_id"]) == ("command.finished", "CP-1", SITE)
    data: dict[str, Any] = orjson.loads(row["data"])
    return data
