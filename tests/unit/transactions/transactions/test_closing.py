"""Ending a session outside of a message: by one caller, at the last reading, never after a newer message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.extensions import load_station
from ocpp_server.live.records import Connection
from ocpp_server.storage.journal import journal
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.switchboard import switchboard
from transactions.live.stations import transaction_state
from transactions.models import Transaction
from transactions.services.transactions import closing

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OPERATOR, INTERRUPTED = Transaction.EndedBy.OPERATOR, Transaction.EndedBy.INTERRUPTED


def a_session() -> Transaction:
    charge_point = ChargePoint.objects.create(identity="CP-1")
    return Transaction.objects.create(
        id=1000,
        ocpp_id="1000",
        charge_point=charge_point,
        id_token="CARD",
        charging_state="Charging",
        meter_start_wh=100,
        meter_last_wh=400,
        energy_wh=300,
        power_w=7000,
        suspect=True,
        suspect_reasons=["connector-available"],
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON + timedelta(hours=1),
    )


@pytest.fixture
def running(db: None) -> Transaction:
    row = a_session()
    live.state().transaction_changed(transaction_state(row, "CP-1"))
    return row


def test_a_session_ends_at_the_last_reading_and_the_last_sign_of_life(running: Transaction) -> None:
    assert closing.close(1000, by=OPERATOR, stop_reason="Operator")

    row = Transaction.objects.get()
    assert (row.status, row.ended_by, row.stop_reason) == ("ended", "operator", "Operator")
    assert (row.meter_stop_wh, row.energy_wh, row.power_w, row.charging_state) == (400, 300, None, "")
    assert row.stopped_at == running.last_message_at
    assert row.stop_received_at is not None
    assert row.suspect_reasons == ["connector-available"]


def test_a_session_is_ended_once(running: Transaction) -> None:
    assert closing.close(1000, by=OPERATOR)
    assert not closing.close(1000, by=INTERRUPTED)
    assert not closing.close(1001, by=INTERRUPTED)

    assert Transaction.objects.get().ended_by == "operator"


def test_a_newer_message_keeps_a_session_open(running: Transaction) -> None:
    before = running.last_message_at - timedelta(seconds=1)

    assert not closing.close(1000, by=INTERRUPTED, unless_message_since=before)
    assert closing.close(1000, by=INTERRUPTED, unless_message_since=running.last_message_at)


@pytest.mark.parametrize(
    ("reasons", "wanted"),
    [
        (("abandoned",), ["connector-available", "abandoned"]),
        (("connector-available: again",), ["connector-available"]),
        (lambda present: [], []),
    ],
)
def test_each_reason_is_added_once_unless_it_was_decided(
    running: Transaction, reasons: Any, wanted: Any
) -> None:
    closing.close(1000, by=OPERATOR, reasons=reasons)

    row = Transaction.objects.get()
    assert (row.suspect, row.suspect_reasons) == (bool(wanted), wanted)


async def _running() -> int:
    return len(await live.state().running("card"))


def test_the_token_is_free_after_the_commit_and_not_before(
    running: Transaction, django_capture_on_commit_callbacks: Any
) -> None:
    from asgiref.sync import async_to_sync

    assert async_to_sync(_running)() == 1

    with django_capture_on_commit_callbacks(execute=True):
        closing.close(1000, by=OPERATOR)
        assert async_to_sync(_running)() == 1

    assert async_to_sync(_running)() == 0


@pytest.fixture
async def engine() -> AsyncIterator[None]:
    """The journal, the channel layer of this process, and a fresh live state."""
    live.reset()
    journal.start()
    await switchboard.start()
    yield
    await switchboard.stop()
    await journal.stop()
    live.reset()


@pytest.mark.django_db(transaction=True)
async def test_the_station_of_a_session_that_the_journal_thread_closed_is_loaded_again(engine: None) -> None:
    row = await journal.run(a_session)
    station = await journal.run(load_station, row.charge_point_id, "ocpp1.6")

    async def nothing(*_: Any) -> None:
        """Drop the message: no station is connected."""

    connection = StationConnection(station, send=nothing, close=nothing, finished=nothing)
    here = {"channel": switchboard.channel, "remote_address": "", "connected_at": NOON}
    await live.state().connect(Connection(id="c1", identity="CP-1", version="ocpp1.6", **here))
    switchboard.connections["c1"] = connection
    try:
        await journal.run(closing.close, 1000, by=INTERRUPTED)

        async with asyncio.timeout(10):
            while station.transactions[1000].is_active:
                await asyncio.sleep(0)  # the journal thread loads the station: there is no event to await
    finally:
        del switchboard.connections["c1"]

    assert station.transactions[1000].ended_by == "interrupted"
