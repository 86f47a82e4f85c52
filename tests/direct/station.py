"""A station of any version without a socket, which charges and restarts like a real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport.presence import load_connected
from tests.direct import messages
from tests.direct.messages import BEGIN, END, Message, Reading
from tests.direct.wire import Wire
from transactions.models import Transaction

# The answer to a start: the fields of its idTagInfo or idTokenInfo, and the transaction's id on the wire.
Started = dict[str, Any]


class DirectStation:
    """A station without a socket: it sends frames, and each is parsed, handled, committed and answered.

    The object is the device: its sequence numbers and sessions survive `reload`.
    """

    def __init__(self, pk: int, version: str, wire: Wire) -> None:
        self.pk, self.version, self.wire = pk, version, wire
        self._sessions = 0
        self._seq_nos: Counter[str] = Counter()

    @classmethod
    async def load(cls, pk: int, version: str) -> DirectStation:
        return cls(pk, version, await _connect(pk, version))

    @classmethod
    async def create(cls, version: str, identity: str, **columns: Any) -> DirectStation:
        usual = {"ocpp_version": version, "registration_status": "Accepted"}
        row = await journal.run(ChargePoint.objects.create, identity=identity, **(usual | columns))
        return await cls.load(row.pk, version)

    @property
    def station(self) -> Station:
        return self.wire.station

    @property
    def is_16(self) -> bool:
        return self.version == V16

    async def reload(self) -> None:
        """Connect again: the station is loaded from the database, as by another process."""
        await self.wire.connection.closed()
        self.wire = await _connect(self.pk, self.version)

    async def close(self) -> None:
        await self.wire.connection.closed()

    # -- messages ----------------------------------------------------------------------------------------

    async def call(self, action: str, payload: dict[str, Any], message_id: str = "") -> list[Any]:
        """Send any request; the frame of the answer, which may be an error."""
        return await self.wire.call(action, payload, message_id)

    async def ask(self, message: Message) -> dict[str, Any]:
        """Send a request that must not fail; the payload of the answer."""
        answer = await self.call(*message)
        assert answer[0] == 3, answer
        payload: dict[str, Any] = answer[2]
        return payload

    async def boot(self) -> dict[str, Any]:
        return await self.ask(messages.boot(self.version))

    async def status(self, word: str = "Available", evse: int = 1) -> None:
        await self.ask(messages.status(self.version, word, evse))

    async def authorize(self, uid: str, kind: str = "ISO14443") -> dict[str, Any]:
        answer = await self.ask(messages.authorize(self.version, uid, kind))
        return self._verdict(answer)

    async def start(
        self,
        uid: str,
        evse: int = 1,
        *,
        meter_wh: int = 0,
        at: datetime | None = None,
        reservation: int | None = None,
        offline: bool = False,
        again: Started | None = None,
    ) -> Started:
        """Plug in and start; the status of the token, and the transaction to end later.

        1.6 has no flag for a start that was queued: its time shows it. `again`: the start that is repeated,
        with the same arguments, because its answer was lost.
        """
        if self.is_16:
            answer = await self.ask(messages.start_16(uid, evse, meter_wh, at=at, reservation=reservation))
            return {**answer["idTagInfo"], "transaction": answer["transactionId"]}
        at = at or datetime.now(UTC)
        if again is None:
            self._sessions += 1
        name = again["transaction"] if again else f"T{self._sessions}"
        answer = await self.event(
            "Started",
            name,
            seq_no=0 if again else None,
            at=at,
            uid=uid,
            evse=evse,
            readings=[Reading(meter_wh, at, BEGIN)],
            offline=offline,
            reservation=reservation,
        )
        return {**answer, "transaction": name}

    async def meter(self, started: Started, *readings: Reading, evse: int = 1) -> None:
        """Report readings of a running session."""
        if self.is_16:
            await self.ask(messages.meter_16(started["transaction"], readings, evse))
        else:
            await self.event("Updated", started["transaction"], readings=readings)

    async def stop(
        self,
        started: Started,
        uid: str = "",
        meter_wh: int = 0,
        *,
        at: datetime | None = None,
        reason: str = "",
        data: Iterable[Reading] = (),
        seq_no: int | None = None,
    ) -> dict[str, Any]:
        """End a session. `data`: the readings of transactionData, or of the Ended event.

        With the time and the sequence number of an earlier stop, it is repeated.
        """
        if self.is_16:
            message = messages.stop_16(started["transaction"], uid, meter_wh, at=at, reason=reason, data=data)
            return self._verdict(await self.ask(message))
        at = at or datetime.now(UTC)
        readings = [*data, Reading(meter_wh, at, END)]
        return await self.event(
            "Ended", started["transaction"], seq_no=seq_no, at=at, uid=uid, readings=readings, reason=reason
        )

    async def event(self, kind: str, name: str, *, seq_no: int | None = None, **more: Any) -> dict[str, Any]:
        """Send a TransactionEvent with the next sequence number, or with a given one."""
        if seq_no is None:
            seq_no = self._seq_nos[name]
            self._seq_nos[name] += 1
        return self._verdict(await self.ask(messages.event(kind, name, seq_no, version=self.version, **more)))

    def last_seq_no(self, started: Started) -> int:
        """The sequence number of the session's last event; below 0 in 1.6, which has none."""
        return self._seq_nos[str(started["transaction"])] - 1

    def _verdict(self, answer: dict[str, Any]) -> dict[str, Any]:
        info: dict[str, Any] = answer.get("idTagInfo" if self.is_16 else "idTokenInfo", {})
        return info

    # -- the state ---------------------------------------------------------------------------------------

    def live(self, started: Started) -> TransactionState | None:
        """The newest live transaction of that id."""
        wanted = str(started["transaction"])
        found = [one for one in self.station.transactions.values() if one.ocpp_id == wanted]
        return max(found, key=lambda one: one.generation, default=None)

    async def session(self, started: Started) -> Transaction:
        """The stored row of that transaction."""
        wanted = Transaction.objects.filter(charge_point=self.pk, ocpp_id=str(started["transaction"]))
        return await journal.run(wanted.latest, "generation")

    async def sessions(self) -> list[Transaction]:
        """All stored rows of the station, in the order of their numbers."""
        return await journal.run(
            lambda: list(Transaction.objects.filter(charge_point=self.pk).order_by("id"))
        )

    async def only_session(self) -> Transaction:
        """The only transaction of the station."""
        (row,) = await self.sessions()
        return row


async def _connect(pk: int, version: str) -> Wire:
    return Wire(await load_connected(pk, version=version, connection_id=f"direct-{pk}"))
