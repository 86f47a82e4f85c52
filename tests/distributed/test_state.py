"""The shared live state alone: two instances in one process stand for two processes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.live.records import Connection, ConnectorState, TransactionState
from ocpp_server.live.redis.numbers import NUMBERS_IN_FLIGHT
from ocpp_server.live.redis.state import RedisState
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from tests.distributed.engines import Redis
from transactions.models import Counter

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Pair:
    """Two live states with the same key prefix."""

    def __init__(self, redis: Redis, one: RedisState, other: RedisState, prefix: str) -> None:
        self.redis = redis.client
        self.one, self.other = one, other
        self.prefix = prefix


@pytest.fixture
async def pair(redis: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr("ocpp_server.live.redis.state.NOTICED_S", 0.0)  # the tests cause no load
    redis.use(settings)
    settings.REDIS_STATE_PREFIX = f"t{uuid.uuid4().hex[:8]}"
    settings.REDIS_STATE_TTL = 4.0
    journal.start()
    one, other = RedisState(), RedisState()
    await one.start()
    await other.start()
    await asyncio.gather(*one._tasks, *other._tasks)  # both fill the empty Redis
    yield Pair(redis, one, other, settings.REDIS_STATE_PREFIX)
    await one.stop()
    await other.stop()
    await journal.stop()


def name(connection: Connection | None) -> str:
    return "" if connection is None else connection.id


def opened(identity: str = "CP-1") -> Connection:
    return Connection(
        id=str(uuid.uuid4()),
        identity=identity,
        version="ocpp1.6",
        channel="process.test",
        remote_address="192.0.2.7",
        connected_at=NOW,
    )


async def test_the_newest_connection_replaces_the_older_and_its_late_close_changes_nothing(
    pair: Pair,
) -> None:
    first, second = opened(), opened()

    assert await pair.one.connect(first) is None
    assert name(await pair.other.connect(second)) == first.id
    assert await pair.one.disconnect("CP-1", first.id) is False

    assert name(await pair.one.connection("cp-1")) == second.id
    assert await pair.other.disconnect("CP-1", second.id) is True
    assert await pair.one.connection("CP-1") is None


async def test_a_connection_replaced_without_a_notice_is_detected_at_the_next_renewal(pair: Pair) -> None:
    lost: asyncio.Queue[str] = asyncio.Queue()
    pair.one.watch(lost=lost.put, regained=lost.put)
    first = opened()
    await pair.one.connect(first)

    await pair.other.connect(opened())

    assert await asyncio.wait_for(lost.get(), 30) == first.id


async def test_a_lease_that_is_not_renewed_expires_and_others_stay(pair: Pair) -> None:
    dead, alive = opened("CP-dead"), opened("CP-alive")
    await pair.other.connect(dead)
    await pair.one.connect(alive)
    believed = {"CP-dead": dead.id, "CP-alive": alive.id}
    await pair.other._link.stop()  # as after SIGKILL: the lease is not released

    gone: dict[str, datetime | None] = {}
    async with asyncio.timeout(60):
        while not gone:
            await asyncio.sleep(0.1)  # a lease ends only with time
            gone = await pair.one.gone(believed)

    assert gone == {dead.id: None}
    assert await pair.one.connection("CP-dead") is None
    assert name(await pair.one.connection("CP-alive")) == alive.id


async def test_numbers_begin_at_1000_and_rise_by_one_over_both(pair: Pair) -> None:
    numbers = [await state.next_transaction_number() for state in (pair.one, pair.other, pair.one)]

    assert numbers == [1000, 1001, 1002]


async def test_two_processes_that_seed_the_numbers_at_once_issue_none_twice(pair: Pair) -> None:
    await journal.run(Counter.objects.update_or_create, name="transaction", defaults={"value": 5000})

    numbers = await asyncio.gather(
        *(state.next_transaction_number() for _ in range(50) for state in (pair.one, pair.other))
    )

    assert len(set(numbers)) == 100
    assert min(numbers) == 5001 + NUMBERS_IN_FLIGHT


async def test_a_redis_that_came_back_with_an_older_number_never_issues_one_again(pair: Pair) -> None:
    issued = [await pair.one.next_transaction_number() for _ in range(5)]
    await journal.run(Counter.objects.update_or_create, name="transaction", defaults={"value": issued[-1]})

    # Redis looks like this after a restart with an old snapshot.
    pair.redis.set(f"{pair.prefix}:server:txid", "1001")
    pair.redis.script_flush()
    again = [await state.next_transaction_number() for state in (pair.other, pair.one)]

    assert min(again) > max(issued)
    assert len(set(again)) == 2


async def test_a_batch_of_many_stations_becomes_one_pipeline(pair: Pair) -> None:
    stations = [charging(number) for number in range(40)]
    before = pair.one._publisher.pipelines

    for station in stations:
        pair.one.station_changed(station)
    await pair.one._publisher.settled()

    assert pair.one._publisher.pipelines == before + 1
    assert pair.redis.hlen(f"{pair.prefix}:business:transactions") == 40
    assert pair.redis.scard(f"{pair.prefix}:business:stations") == 40

    # A message that changes no shared state writes nothing.
    for station in stations:
        pair.one.station_changed(station)
    await pair.one._publisher.settled()
    assert pair.one._publisher.pipelines == before + 1


async def test_a_transaction_at_one_process_is_known_to_the_other_until_it_ends(pair: Pair) -> None:
    station = charging(7)
    pair.one.station_changed(station)
    await until(lambda: pair.other.running("TAG7"), 1)

    (seen,) = await pair.other.running("TAG7")
    assert (seen.station, seen.evse, seen.last_message_at) == ("CP-7", 1, NOW)

    station.transactions[2007].is_active = False
    pair.one.station_changed(station)
    await until(lambda: pair.other.running("TAG7"), 0)


async def test_a_transaction_published_by_another_process_ends_after_the_station_moved(pair: Pair) -> None:
    pair.other.station_changed(charging(8))
    await until(lambda: pair.one.running("TAG8"), 1)
    pair.other.unserve("CP-8")

    pair.one.serve("CP-8")
    taken = charging(8)
    pair.one.station_changed(taken)
    taken.transactions[
        2008
    ].is_active = False  # as after its first message, before the live state was written
    pair.one.station_changed(taken)
    await pair.one._publisher.settled()

    assert not pair.redis.hexists(f"{pair.prefix}:business:transactions", "2008")
    await until(lambda: pair.other.running("TAG8"), 0)


def charging(number: int) -> Station:
    station = Station(pk=number, identity=f"CP-{number}", version="ocpp1.6")
    station.connectors[1, 1] = ConnectorState(pk=number, evse=1, number=1, status="Charging")
    station.transactions[2000 + number] = TransactionState(
        id=2000 + number,
        ocpp_id=str(2000 + number),
        station=station.identity,
        evse=1,
        connector=1,
        token_key=f"TAG{number}",
        started_at=NOW,
        last_message_at=NOW,
    )
    return station


async def until(ask: Any, count: int) -> None:
    async with asyncio.timeout(30):
        while len(await ask()) != count:
            await asyncio.sleep(0)
