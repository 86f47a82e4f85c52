"""The messages of a session in any order, through handlers, journal and database, give the same energy and
the same suspicions, also when the live state is lost between them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.extensions import load_station
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import journal
from transactions.handlers import metering, transactions
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC).replace(microsecond=0)
BEGIN, END, PERIODIC = "Transaction.Begin", "Transaction.End", "Sample.Periodic"
_numbers = itertools.count(1)

Sample = tuple[int, str, int]  # minutes before the stop, context, Wh

samples = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 30), st.just(PERIODIC), st.integers(990, 1500)),
        st.tuples(st.just(0), st.sampled_from([PERIODIC, "Sample.Clock", "Trigger", END]), st.just(1500)),
        st.tuples(st.just(30), st.just(BEGIN), st.sampled_from([1000, 1000, 1010])),
        st.tuples(st.integers(-3, -1), st.just(PERIODIC), st.integers(1500, 1600)),
    ),
    max_size=7,
)


class StationMessages:
    """A station without a socket: it sends messages to the handlers and commits them."""

    def __init__(self, version: str) -> None:
        identity = f"CP-{next(_numbers)}"
        row = ChargePoint.objects.create(identity=identity, registration_status="Accepted")
        self.pk, self.version = row.pk, version
        self.station: Station | None = None
        self._seq_no = 0

    async def send(self, handler: Callable[..., Awaitable[dict[str, Any]]], request: Any) -> dict[str, Any]:
        if self.station is None:
            self.station = await journal.run(load_station, self.pk, self.version)
        self.station.received_at = datetime.now(UTC)
        self.station.payload = repr(request)
        answer = await handler(self.station, request)
        if self.station.unit:
            await journal.commit(self.station.unit)
        return answer

    def lose_live_state(self) -> None:
        self.station = None

    def meter_values(self, readings: list[Sample]) -> list[dict[str, Any]]:
        return [
            {"timestamp": at(-minutes), "sampledValue": [{"value": self._value(wh), "context": context}]}
            for minutes, context, wh in readings
        ]

    def _value(self, wh: int) -> Any:
        return str(wh) if self.version == V16 else wh

    async def session(self, messages: list[list[Sample]], stop_at: int, losses: list[bool]) -> None:
        """Send the start, the messages, and the stop after `stop_at` of them; the rest is late."""
        await self._start()
        for number, (readings, is_lost) in enumerate(zip(messages, losses, strict=True)):
            if number == stop_at:
                await self._stop()
            if is_lost:
                self.lose_live_state()
            await self._report(readings)
        if stop_at >= len(messages):
            await self._stop()

    async def _start(self) -> None:
        if self.version == V16:
            request = {"connectorId": 1, "idTag": "A", "meterStart": 1000, "timestamp": at(-30)}
            self.number = (await self.send(transactions.start_transaction, request))["transactionId"]
        else:
            await self._event("Started", -30, [])

    async def _report(self, readings: list[Sample]) -> None:
        if self.version == V16:
            request = {
                "connectorId": 1,
                "transactionId": self.number,
                "meterValue": self.meter_values(readings),
            }
            await self.send(metering.meter_values_16, request)
        else:
            await self._event("Updated", 0, readings)

    async def _stop(self) -> None:
        if self.version == V16:
            request = {"transactionId": self.number, "meterStop": 1500, "timestamp": at(0)}
            await self.send(transactions.stop_transaction, request)
        else:
            await self._event("Ended", 0, [])

    async def _event(self, kind: str, minutes: int, readings: list[Sample]) -> None:
        request = {
            "eventType": kind,
            "timestamp": at(minutes),
            "triggerReason": "MeterValuePeriodic",
            "seqNo": self._seq_no,
            "transactionInfo": {"transactionId": "T"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": self.meter_values(readings),
        }
        self._seq_no += 1
        await self.send(transactions.transaction_event, request)


def at(minutes: int) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


def stored(station: StationMessages) -> tuple[Any, ...]:
    row = Transaction.objects.get(charge_point=station.pk)
    return (
        row.energy_wh,
        row.meter_start_wh,
        row.meter_stop_wh,
        row.energy_by_hour,
        sorted(row.suspect_reasons),
        row.status,
    )


async def with_journal(*sessions: Awaitable[None]) -> None:
    live.reset()
    journal.start()
    try:
        for session in sessions:
            await session
    finally:
        await journal.stop()
        live.reset()


@pytest.mark.parametrize("version", [V16, V201])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(samples, st.data())
def test_any_order_of_messages_gives_the_same_bill(version, samples, data):
    Transaction.objects.all().delete()
    at_once, in_pieces = StationMessages(version), StationMessages(version)
    ordered, messages = data.draw(st.permutations(samples)), []
    while ordered:
        size = data.draw(st.integers(1, len(ordered)))
        messages.append(ordered[:size])
        ordered = ordered[size:]
    losses = data.draw(st.lists(st.booleans(), min_size=len(messages), max_size=len(messages)))
    stop_at = data.draw(st.integers(0, len(messages)))
    # A reading later than the stop may be sent before it, but then in a message of its own.
    expected = [[one for one in samples if one[0] >= 0], [one for one in samples if one[0] < 0]]

    asyncio.run(
        with_journal(at_once.session(expected, 1, [False] * 2), in_pieces.session(messages, stop_at, losses))
    )

    assert stored(in_pieces) == stored(at_once)
