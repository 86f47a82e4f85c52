"""The comparison of the running transactions in Redis with those of the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocpp_server.live.redis.publisher import running_text
from tests.logged import captured_logs
from tests.unit.live.redis.stand_ins import Processes, running


def shown(processes: Processes) -> set[str]:
    return set(processes.bench.client.hkeys(processes.bench.keys.transactions))


def show(processes: Processes, *numbers: int) -> None:
    texts = {str(number): running_text(running(number)) for number in numbers}
    processes.bench.client.hset(processes.bench.keys.transactions, mapping=texts)


def at_reading(processes: Processes, number: int, change: Callable[[], None]) -> None:
    """Let something happen before the n-th reading of the database."""
    readings: list[str] = []

    def reading(name: str) -> None:
        readings.append(name)
        if len(readings) == number:
            change()

    processes.stored.reading = reading


async def test_a_transaction_that_is_not_active_in_the_database_ends_in_every_process(
    processes: Processes,
) -> None:
    one, other = await processes.alone(), await processes.start()
    await processes.published(one)
    show(processes, 1001, 1002)
    processes.stored.active = {1002: running(1002)}
    for state in (one, other):
        state.transaction_changed(running())
        state.transaction_changed(running(1002))

    with captured_logs() as lines:
        await one.reconcile()

    assert await processes.published(one) == [["ended", 1001, "card"]]
    assert shown(processes) == {"1002"}
    assert await one.running("card") == await other.running("card") == [running(1002)]
    assert [(line["event"], line["transaction"], line["station"]) for line in lines] == [
        ("transaction.not_running", 1001, "CP-1")
    ]


async def test_a_transaction_that_redis_does_not_show_is_added_in_every_process(processes: Processes) -> None:
    one, other = await processes.alone(), await processes.start()
    await processes.published(one)
    show(processes, 1001)
    processes.stored.active = {1001: running(), 1002: running(1002), 1003: running(1003)}

    await one.reconcile()

    news = await processes.published(one)
    assert sorted(news) == [["running", running_text(running(number))] for number in (1002, 1003)]
    assert shown(processes) == {"1001", "1002", "1003"}
    for state in (one, other):
        assert {found.id for found in await state.running("card")} == {1002, 1003}


async def test_equal_sides_need_one_reading_and_no_writing(processes: Processes) -> None:
    state = await processes.alone()
    show(processes, 1001)
    processes.stored.active = {1001: running()}
    readings: list[str] = []
    processes.stored.reading = readings.append

    await state.reconcile()

    assert (readings, await processes.published(state)) == (["active_numbers"], [])


async def test_a_transaction_that_ends_while_it_is_added_is_taken_out_again(processes: Processes) -> None:
    state = await processes.alone()
    processes.stored.active = {1001: running(), 1002: running(1002)}
    at_reading(processes, 3, lambda: processes.stored.active.pop(1001) and None)

    await state.reconcile()

    news = await processes.published(state)
    assert sorted(news) == [["ended", 1001, "card"], ["running", running_text(running(1002))]]
    assert shown(processes) == {"1002"}
    assert await state.running("card") == [running(1002)]


async def test_a_transaction_that_begins_between_two_readings_is_left_to_its_process(
    processes: Processes,
) -> None:
    state = await processes.alone()
    processes.stored.active = {1001: running()}
    at_reading(processes, 2, lambda: processes.stored.active.update({1002: running(1002)}))

    await state.reconcile()

    assert shown(processes) == {"1001"}
    assert await processes.published(state) == [["running", running_text(running())]]


@pytest.mark.parametrize(("last", "kept"), [("1234", [1234]), (None, [])])
async def test_the_last_number_is_stored(processes: Processes, last: str | None, kept: list[int]) -> None:
    state = await processes.alone()
    if last is not None:
        processes.bench.client.set(processes.bench.keys.numbers, last)

    await state.reconcile()

    assert processes.stored.kept == kept
