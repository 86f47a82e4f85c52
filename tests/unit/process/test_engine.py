"""The engine starts, stops and starts again; it repairs the state that a dead process left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from chargepoints.models import ChargePoint, Command
from ocpp_server import live
from ocpp_server.process import engine
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from transactions.models import Counter, Transaction
from transactions.tables import COUNTERS

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
async def running() -> AsyncIterator[None]:
    await engine.start()
    yield
    await engine.stop()


async def in_a_dead_process(function: Callable[[], None]) -> None:
    """Run a function that writes rows, as a process did that ended before this engine started."""

    def write() -> None:
        function()
        connection.close()

    await asyncio.to_thread(write)


async def test_an_engine_that_was_stopped_starts_again() -> None:
    await engine.start()
    await engine.stop()
    assert not engine.is_running()

    await engine.start()
    status = await engine.status()
    await engine.stop()

    assert status["database"]["ok"] and status["journal"]["ok"]


async def test_many_first_requests_start_the_engine_once() -> None:
    await asyncio.gather(*[engine.ensure_started() for _ in range(20)])

    assert engine.is_running()
    await engine.stop()


async def test_stop_writes_all_work_submitted_before(running: None) -> None:
    unit = Unit()
    unit.insert(COUNTERS, name="last words", value=1)
    writing = asyncio.ensure_future(journal.commit(unit))
    await asyncio.sleep(0)

    await engine.stop()

    await writing
    await engine.start()
    assert await journal.run(lambda: Counter.objects.filter(name="last words").exists())


async def test_numbers_continue_where_the_dead_process_stopped(running: None) -> None:
    await engine.stop()
    await in_a_dead_process(_charging)

    await engine.start()

    assert await live.state().next_transaction_number() == 1042
    assert [transaction.id for transaction in await live.state().running("alice")] == [1041]


async def test_numbers_are_not_reused_when_the_transaction_is_gone_and_its_counter_is_not(
    running: None,
) -> None:
    await journal.run(lambda: Counter.objects.update_or_create(name="transaction", defaults={"value": 1500}))

    await engine.stop()
    await engine.start()

    assert await live.state().next_transaction_number() == 1501


async def test_stations_and_commands_of_the_dead_process_are_closed(running: None) -> None:
    await engine.stop()
    await in_a_dead_process(_left_behind)

    await engine.start()

    def found() -> tuple[bool, str]:
        return ChargePoint.objects.get().is_online, Command.objects.get().state

    assert await journal.run(found) == (False, Command.State.DISCONNECTED)


def _station() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6", registration_status="Accepted")


def _charging() -> None:
    number, now = 1041, datetime.now(UTC)
    Transaction.objects.create(
        id=number,
        ocpp_id=str(number),
        charge_point=_station(),
        id_token="ALICE",
        started_at=now,
        start_received_at=now,
        last_message_at=now,
    )


def _left_behind() -> None:
    station = _station()
    ChargePoint.objects.update(is_online=True, connection_id="gone")
    Command.objects.create(
        id="11111111-2222-3333-4444-555555555555",
        charge_point=station,
        action="Reset",
        payload={},
        actor="somebody",
        state=Command.State.SENT,
        created_at=NOW,
        deadline_at=NOW + timedelta(seconds=10),
    )
