"""Transaction numbers: increasing and never the same twice, also when Redis has lost the last one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis.link import AWAY, Link
from ocpp_server.live.redis.numbers import Numbers
from tests.distributed import engines
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import Clock, Stored, away


@pytest.fixture
async def numbers(link: Link, bench: Bench, clock: Clock, stored: Stored, settings: Any) -> Numbers:
    settings.OCPP_JOURNAL_BUDGET = 1.0
    return Numbers(link, bench.keys)


async def test_a_new_installation_begins_above_the_last_number_of_the_process(numbers: Numbers) -> None:
    assert [await numbers.next(at_least=999) for _ in range(3)] == [1000, 1001, 1002]


@pytest.mark.parametrize(
    ("stored_number", "own", "first"),
    [(5000, 999, 5101), (1000, 999, 1101), (999, 0, 1000), (999, 6000, 6101)],
)
async def test_after_a_loss_the_numbers_that_may_be_under_way_are_left_out(
    numbers: Numbers, stored: Stored, stored_number: int, own: int, first: int
) -> None:
    stored.highest = stored_number

    assert await numbers.next(at_least=own) == first
    assert await numbers.next(at_least=own) == first + 1


async def test_a_number_in_redis_is_continued_without_the_database(
    numbers: Numbers, stored: Stored, bench: Bench
) -> None:
    assert await numbers.next(at_least=999) == 1000
    bench.client.set(bench.keys.numbers, 2000)
    stored.is_away = True

    assert await numbers.next(at_least=999) == 2001


async def test_after_a_restart_with_an_older_number_the_database_decides(
    numbers: Numbers, stored: Stored, bench: Bench
) -> None:
    """A Redis that has restarted does not know the script, but perhaps an older number."""
    bench.client.set(bench.keys.numbers, 2000)
    bench.client.script_flush()
    stored.highest = 3000

    assert await numbers.next(at_least=0) == 3101


async def test_numbers_that_are_asked_for_at_once_are_seeded_once(
    numbers: Numbers, stored: Stored, bench: Bench
) -> None:
    bench.client.script_flush()
    read: list[str] = []
    stored.highest, stored.reading = 1000, read.append

    found = await asyncio.gather(*(numbers.next(at_least=0) for _ in range(5)))

    assert sorted(found) == [1101, 1102, 1103, 1104, 1105]
    assert read == ["highest_number"]


async def test_a_caller_waits_for_redis_as_long_as_for_the_journal(
    numbers: Numbers, bench: Bench, engine: engines.Redis, clock: Clock
) -> None:
    with away(bench, engine):
        asked = asyncio.ensure_future(numbers.next(at_least=999))
        for _ in range(4):
            assert await clock.someone_sleeps() == 0.25
            clock.move(0.25)
        with pytest.raises(LiveStateUnavailable, match="Redis refuses the command"):
            await asked

    assert clock.slept == [0.25] * 4


async def test_a_caller_gets_its_number_when_redis_is_back_in_time(
    numbers: Numbers, bench: Bench, engine: engines.Redis, clock: Clock
) -> None:
    with away(bench, engine):
        asked = asyncio.ensure_future(numbers.next(at_least=999))
        await clock.someone_sleeps()
    assert not asked.done()

    clock.move(0.25)

    assert await asked == 1000


async def test_callers_of_one_moment_share_a_call_and_get_numbers_in_their_order(
    numbers: Numbers, bench: Bench
) -> None:
    assert await numbers.next(at_least=999) == 1000
    bench.client.config_resetstat()

    found = await asyncio.gather(*(numbers.next(at_least=999) for _ in range(5)))

    assert found == [1001, 1002, 1003, 1004, 1005]
    assert bench.client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    assert bench.client.get(bench.keys.numbers) == "1005"


async def test_callers_during_a_call_share_the_next_one(numbers: Numbers, bench: Bench) -> None:
    assert await numbers.next(at_least=999) == 1000
    bench.client.config_resetstat()
    first = asyncio.ensure_future(numbers.next(at_least=999))
    for _ in range(3):
        await asyncio.sleep(0)
    others = [asyncio.ensure_future(numbers.next(at_least=999)) for _ in range(3)]

    assert await asyncio.gather(first, *others) == [1001, 1002, 1003, 1004]
    assert bench.client.info("commandstats")["cmdstat_evalsha"]["calls"] == 2


async def test_the_number_of_a_cancelled_caller_is_left_out(numbers: Numbers) -> None:
    assert await numbers.next(at_least=999) == 1000
    first, gone, last = (asyncio.ensure_future(numbers.next(at_least=999)) for _ in range(3))
    await asyncio.sleep(0)

    gone.cancel()

    assert (await first, await last) == (1001, 1003)
    assert await numbers.next(at_least=999) == 1004


async def test_an_outage_fails_each_caller_for_itself(
    numbers: Numbers, bench: Bench, engine: engines.Redis, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 0.0
    with away(bench, engine):
        failures = await asyncio.gather(
            *(numbers.next(at_least=999) for _ in range(3)), return_exceptions=True
        )

    assert [type(failure) for failure in failures] == [LiveStateUnavailable] * 3
    assert len(set(map(id, failures))) == 3
    assert all(isinstance(failure.__cause__, AWAY) for failure in failures)  # type: ignore[union-attr]
