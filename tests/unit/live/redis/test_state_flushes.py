"""A flush of Redis: it is noticed, and Redis is filled from the database."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from ocpp_server.live.redis import link
from ocpp_server.live.redis.publisher import running_text
from ocpp_server.storage.journal import journal
from tests.logged import captured_logs
from tests.unit.live.redis.stand_ins import LEASE_S, PATIENCE_S, Processes, opened, running, station_of


async def test_the_first_process_fills_an_empty_redis_and_repeats_it_when_all_have_noticed(
    processes: Processes,
) -> None:
    stored = processes.stored
    stored.active = {1001: running()}
    stored.keys = {"CP-1": {"Key": "1"}}

    with captured_logs() as lines:
        await processes.start()
        assert await processes.clock.someone_sleeps() == 3.0
        await processes.start()
        await processes.received()
    assert [line["event"] for line in lines] == ["redis.new", "redis.refilled"]
    content = processes.bench.content()
    assert content["business:transactions"] == {"1001": running_text(running())}
    assert content["config:CP-1"] == {"Key": "1"}

    stored.keys = {"CP-1": {"Key": "2"}}
    processes.clock.move(2.9)
    await processes.received()
    assert processes.bench.content()["config:CP-1"] == {"Key": "1"}
    processes.clock.move(0.1)
    async with asyncio.timeout(PATIENCE_S):
        while processes.bench.content()["config:CP-1"] != {"Key": "2"}:
            await processes.received()


async def test_a_process_that_stops_does_not_wait_until_all_have_noticed(processes: Processes) -> None:
    state = await processes.start()
    await processes.clock.someone_sleeps()

    async with asyncio.timeout(PATIENCE_S):
        await processes.stop(state)

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_process_stops_also_when_the_client_has_lost_the_cancellation_of_the_filling(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "CANCEL_AGAIN_S", 0.001)
    begun = asyncio.Event()

    async def losing(function: Any, *arguments: Any) -> Any:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return function(*arguments)

    monkeypatch.setattr(journal, "run", losing)
    state = await processes.start()

    async with asyncio.timeout(PATIENCE_S):
        await begun.wait()
        await processes.stop(state)


async def test_after_a_flush_every_process_restores_what_it_holds(processes: Processes) -> None:
    one, other = await processes.alone(), await processes.start()
    notices: list[str] = []

    async def notice(connection_id: str) -> None:
        notices.append(connection_id)

    other.watch(lost=notice, regained=notice)
    await other.connect(opened())
    other.station_changed(station_of(running()))
    processes.stored.active = {1001: running()}
    await processes.published(other)
    before = processes.bench.content()

    processes.bench.clear()
    slept = len(processes.clock.slept)
    await processes.tick()
    await processes.clock.someone_sleeps(3.0)
    await processes.published(one)
    await processes.published(other)

    after = processes.bench.content()
    assert after["business:transactions"] == before["business:transactions"]
    assert after["session:CP-1"]["session_id"] == "s1"
    assert after["clients"].keys() == {"CP-1"}
    assert after["server:birth"] != before["server:birth"]
    assert notices == [], "the connection has not been elsewhere"
    assert processes.clock.slept[slept:] == [3.0], "one process fills Redis"


async def test_a_filled_redis_is_published_to_all_processes(processes: Processes) -> None:
    one = await processes.alone()
    await processes.published(one)
    processes.bench.clear()

    await processes.tick()
    await processes.clock.someone_sleeps(3.0)

    assert ["rebuilt"] in await processes.published(one)


async def test_a_filling_waits_a_second_for_the_database(processes: Processes) -> None:
    processes.stored.is_away = True
    with captured_logs() as lines:
        await processes.start()
        await processes.clock.someone_sleeps(1)
        processes.clock.move(1)
        await processes.clock.someone_sleeps(1)
    assert [line["event"] for line in lines] == ["redis.new", "redis.refill_waits", "redis.refill_waits"]
    assert processes.clock.slept == [1, 1]

    processes.stored.is_away, processes.stored.keys = False, {"CP-1": {"Key": "1"}}
    processes.clock.move(1)

    assert await processes.clock.someone_sleeps() == 3.0
    assert processes.bench.content()["config:CP-1"] == {"Key": "1"}


# -- soon after a flush --------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_complete"), [(99_950, False), (100_050, True)])
async def test_until_a_lease_has_passed_since_a_flush_a_missing_entry_may_not_be_restored_yet(
    processes: Processes, settings: Any, seconds: float, is_complete: bool
) -> None:
    settings.REDIS_STATE_TTL = 100_000
    state = await processes.alone()
    await processes.flushed_ago(seconds)
    state.transaction_changed(running())
    keys = processes.bench.keys
    processes.bench.client.hset(keys.transactions, "1002", running_text(running(1002)))

    await processes.received(["online", "CP-9"], ["rebuilt"])
    await processes.tick()

    known = [running(1002)] if is_complete else [running(), running(1002)]
    assert await state.running("card") == known
    assert state.connected() == ([] if is_complete else ["CP-9"])


async def test_a_restart_of_redis_with_older_data_is_noticed_by_its_run_id(processes: Processes) -> None:
    await processes.alone()
    processes.bench.client.hset(processes.bench.keys.mark, "run", "of the Redis before")

    with captured_logs() as lines:
        await processes.start()

    assert [line["event"] for line in lines if line["event"] == "redis.new"] == ["redis.new"]


async def test_a_tick_does_not_compare_the_run_id(processes: Processes) -> None:
    """Another process may have a newer one: only a process that has just asked knows the present one."""
    await processes.alone()
    processes.bench.client.hset(processes.bench.keys.mark, "run", "of the Redis after")

    with captured_logs() as lines:
        await processes.tick()

    assert lines == []


async def test_a_second_process_does_not_fill_redis_again(processes: Processes) -> None:
    await processes.alone()

    with captured_logs() as lines:
        await processes.start()

    assert [line["event"] for line in lines] == []


# -- connections that no process holds -----------------------------------------------------------------


async def test_connections_of_dead_processes_are_gone_and_removed(processes: Processes) -> None:
    state = await processes.alone()
    await state.connect(opened())
    processes.bench.client.zadd(processes.bench.keys.clients, {"CP-2": 1})
    processes.bench.client.hset(
        processes.bench.keys.session("CP-2"), mapping={"session_id": "s2", "channel": "c"}
    )

    believed = {"CP-1": "s1", "CP-2": "s2", "CP-3": "s3"}
    assert await state.gone(believed) == {"s2": None, "s3": None}
    assert "session:CP-2" not in processes.bench.content()


@pytest.mark.parametrize(("seconds", "gone"), [(LEASE_S - 0.5, []), (LEASE_S, ["s3"])])
async def test_no_connection_is_gone_until_a_lease_has_passed_since_an_outage(
    processes: Processes, seconds: float, gone: list[str]
) -> None:
    await processes.alone()
    state = await processes.start()
    processes.clock.now += seconds

    assert list(await state.gone({"CP-3": "s3"})) == gone


@pytest.mark.parametrize(("seconds", "gone"), [(99_950, []), (100_050, ["s3"])])
async def test_no_connection_is_gone_until_a_lease_has_passed_since_a_flush(
    processes: Processes, settings: Any, seconds: float, gone: list[str]
) -> None:
    settings.REDIS_STATE_TTL = 100_000
    state = await processes.alone()
    await processes.flushed_ago(seconds)

    assert list(await state.gone({"CP-3": "s3"})) == gone


async def test_no_connection_is_gone_while_redis_is_away(processes: Processes) -> None:
    state = await processes.alone()
    processes.clock.now += LEASE_S

    with processes.away():
        await processes.clock.someone_sleeps(0.1)
        assert await state.gone({"CP-3": "s3"}) == {}
