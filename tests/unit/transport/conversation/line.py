"""The conversation with a station: stored before it is answered, one message at a time, and how it ends.

The handlers, the session and the unit of work are the real ones; commits are only noted here.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson

from ocpp_server.live import unit_of_work
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.messages import StationCall
from transactions.models import Counter

COUNTERS = Table(Counter)


AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


STATUS = {"connectorId": 0, "status": "Available", "errorCode": "NoError"}


class Line:
    """A connection without a socket. `log` has what happened, in its order."""

    def __init__(self, version: str = V16, **more: Any) -> None:
        self.log: list[Any] = []
        self.errors: list[Exception] = []
        self.fresh = Station(pk=1, identity="CP-1", version=version)
        self.fresh.registration_status = "Accepted"
        self.loads = 0
        self.send_gate: asyncio.Event | None = None
        self.station = Station(pk=1, identity="CP-1", version=version)
        self.station.registration_status = "Accepted"
        self.connection = StationConnection(
            self.station,
            send=self._send,
            close=self._close,
            finished=self._finished,
            outgoing=self._commands,
            **more,
        )
        self._number = 0

    async def say(self, *frame: Any, text: str = "") -> None:
        await self.connection.received(text or orjson.dumps(frame).decode())

    async def heartbeat(self, id: str = "m1") -> None:
        """A message that is stored nowhere: heartbeats are not in the message log."""
        await self.say(2, id, "Heartbeat", {})

    async def status(self, id: str = "m1") -> None:
        """A message that is stored."""
        await self.say(2, id, "StatusNotification", STATUS)

    @property
    def kinds(self) -> list[str]:
        return [entry[0] for entry in self.log]

    async def _send(self, text: str) -> None:
        self.log.append(("sent", orjson.loads(text)))
        if self.send_gate is not None:
            await self.send_gate.wait()

    async def _close(self, code: int, reason: str) -> None:
        self.log.append(("closed", code, reason))

    async def _finished(self, command_id: str, reply_to: str) -> None: ...

    # The journal.

    def commit(self, unit: Unit) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        taken = unit.take()
        if self.errors and (error := self.errors.pop(0)) is not None:
            future.set_exception(error)
        else:
            self.log.append(("stored", len(taken.inserts)))
            future.set_result(None)
        return future

    async def run(self, function: Any, *arguments: Any) -> Any:
        assert function is unit_of_work.load_station and arguments == (1, self.station.version)
        self.loads += 1
        return self.fresh

    # The commands to the station.

    def _commands(self, station: Station, session: Any, **parts: Any) -> Line:
        assert station is self.station and set(parts) == {"send", "close", "finished"}
        assert (parts["close"], parts["finished"]) == (self._close, self._finished)
        self.sends = parts["send"]
        return self

    async def call(self, command: StationCall) -> None:
        self.log.append(("call", command.id))

    def settled(self) -> None:
        self.log.append(("settled",))

    async def answered(self, event: Any) -> None:
        self.log.append(("answered", event.frame.id))

    async def late(self, event: Any) -> None:
        self.log.append(("late", event.frame.id))

    async def closed(self) -> None:
        self.log.append(("ended",))


class Published(MemoryState):
    """A live state that notes what is published."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Any] = []

    def station_changed(self, station: Station) -> None:
        self.log.append(("station", station.identity))

    def transaction_changed(self, transaction: TransactionState) -> None:
        self.log.append(("changed", transaction.id))
        super().transaction_changed(transaction)

    def transaction_undone(self, transaction: TransactionState) -> None:
        self.log.append(("undone", transaction.id))
        super().transaction_undone(transaction)


def deviations(station: Station) -> dict[str, int]:
    return {kind: counted.count for (kind, _, _), counted in station.deviations.items()}


def running(number: int) -> TransactionState:
    return TransactionState(
        id=number, ocpp_id=str(number), station="CP-1", token_key="card", started_at=AT, last_message_at=AT
    )


def changed(one: Line, state: Published) -> tuple[TransactionState, TransactionState]:
    """Let a message open a transaction that counts for its token already, and change another."""
    opened, other = running(1), running(2)
    station = one.station
    station.transactions = {1: opened, 2: other}
    station.opened, station.claimed, station.changed = [opened], [opened], [opened, other]
    station.used_tokens, station.received_at = [7], AT
    station.unit.insert(COUNTERS, name="a", value=1)
    state.transaction_changed(opened)
    state.log.clear()
    return opened, other


def gathered(station: Station) -> list[Any]:
    return [*station.opened, *station.claimed, *station.changed, *station.used_tokens]
