"""The live state of a process that shares it: presence, its health, its caches and transaction numbers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis.keys import NUMBER
from ocpp_server.live.redis.state import RedisState
from tests.unit.live.memory.states import token
from tests.unit.live.redis.stand_ins import PATIENCE_S, Processes, opened, running, station_of

# -- presence ------------------------------------------------------------------------------------------


async def test_a_newer_connection_gets_the_replaced_one_of_another_process(processes: Processes) -> None:
    one, other = await processes.start(), await processes.start()
    assert await one.connect(opened()) is None

    replaced = await other.connect(opened("s2"))

    assert replaced is not None and replaced.id == "s1"
    for state in (one, other):
        for found in (await state.connection("cp-1"), await state.registered("CP-1")):
            assert found is not None and found.id == "s2"
    assert await one.connection("CP-2") is await one.registered("CP-2") is None


async def test_the_connected_stations_are_sorted(processes: Processes) -> None:
    state = await processes.start()
    for identity in ("B", "C", "A"):
        await state.connect(opened(identity, identity))

    assert state.connected() == ["A", "B", "C"]


async def test_a_missing_connection_says_nothing_until_news_arrive_again(processes: Processes) -> None:
    state = await processes.start()
    await state.connect(opened())
    before = RedisState()
    with pytest.raises(LiveStateUnavailable, match="no news"):
        await before.connection("CP-2")
    assert (await before.connection("CP-1")) == await state.connection("CP-1")
    assert await before.registered("CP-2") is None

    processes.close_connections_for_news()
    await processes.clock.someone_sleeps(0.1)

    with pytest.raises(LiveStateUnavailable, match=r"Redis was away a moment ago \((?!no news)"):
        await state.connection("CP-2")
    await before.stop()


async def test_a_station_that_connects_again_is_published_with_all_values(processes: Processes) -> None:
    state, bench = await processes.alone(), processes.bench
    await state.connect(opened())
    state.station_changed(station_of(running()))
    await processes.published(state)
    bench.client.delete(bench.keys.transactions)

    await state.connect(opened("s2"))
    state.station_changed(station_of(running()))
    await processes.published(state)

    assert bench.client.hkeys(bench.keys.transactions) == ["1001"]


async def test_a_station_that_a_process_serves_for_a_gateway_is_published_with_all_values(
    processes: Processes,
) -> None:
    state, bench = await processes.alone(), processes.bench
    state.station_changed(station_of(running()))
    await processes.published(state)
    bench.client.delete(bench.keys.transactions)

    state.serve("CP-1")
    state.station_changed(station_of(running()))
    await processes.published(state)

    assert bench.client.hkeys(bench.keys.transactions) == ["1001"]


@pytest.mark.parametrize("closed", ["s1", "s0", None])
async def test_the_close_of_the_own_connection_publishes_what_has_ended_with_its_last_message(
    processes: Processes, closed: str | None
) -> None:
    state = await processes.alone()
    transaction = running()
    station = station_of(transaction)
    if closed is not None:
        await state.connect(opened())
    state.station_changed(station)
    await processes.published(state)

    transaction.is_active = False
    state.station_changed(station)
    is_current = await state.disconnect("CP-1", closed or "s1")

    assert is_current == (closed == "s1")
    assert ["ended", 1001, "card"] in await processes.published(state)


async def test_after_the_close_of_a_connection_its_station_is_no_longer_published(
    processes: Processes,
) -> None:
    state, bench = await processes.alone(), processes.bench
    await state.connect(opened())
    state.station_changed(station_of(running()))
    await processes.published(state)

    await state.disconnect("CP-1", "s0")
    bench.client.delete(bench.keys.transactions, bench.keys.mark)
    await processes.tick()
    await processes.published(state)
    assert bench.client.hkeys(bench.keys.transactions) == ["1001"], "a late close of a replaced one"

    await state.disconnect("cp-1", "s0")
    await state.disconnect("CP-1", "s1")
    bench.client.delete(bench.keys.transactions, bench.keys.mark)
    await processes.tick()
    await processes.published(state)
    assert bench.client.hkeys(bench.keys.transactions) == []


# -- health --------------------------------------------------------------------------------------------


async def test_a_process_is_ready_while_redis_can_be_written_and_news_arrive(processes: Processes) -> None:
    state = await processes.alone()
    await state.connect(opened())

    assert await state.status() == {"redis": {"ok": True, "detail": "Redis answers.", "stations": 1}}
    assert state.away is None
    assert processes.bench.content()["server:probe"] == state.process
    assert processes.bench.expires("server:probe", 60_000)


async def test_a_process_is_not_ready_while_redis_refuses_to_write(processes: Processes) -> None:
    state = await processes.start()

    with processes.bench.full():
        status = (await state.status())["redis"]

    assert status["ok"] is False
    assert str(status["detail"]).startswith("Redis refuses the command (command not allowed")
    assert set(status) == {"ok", "detail"}


async def test_a_process_is_not_ready_while_no_news_arrive(processes: Processes) -> None:
    state = await processes.start()
    began = processes.clock.now
    processes.close_connections_for_news()
    await processes.clock.someone_sleeps(0.1)

    assert await state.status() == {
        "redis": {"ok": False, "detail": "News from the other processes do not arrive."}
    }
    assert state.is_current is False
    since, why = state.away or (0.0, "")
    assert (since, why != "") == (began, True)

    processes.clock.move(0.1)
    await processes.until_up(state)
    assert state.away is None
    assert state.is_current is True


async def test_a_process_is_not_ready_when_redis_has_not_written_within_two_seconds(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: Any, **__: Any) -> None:
        hanging.set()
        await asyncio.Event().wait()

    state, hanging = await processes.start(), asyncio.Event()
    monkeypatch.setattr(state._link.redis, "set", hang)
    asked = asyncio.ensure_future(state.status())
    await hanging.wait()
    processes.clock.end_time_limits()

    assert await asked == {"redis": {"ok": False, "detail": "Redis does not answer."}}
    assert processes.clock.time_limits == [2]


# -- caches --------------------------------------------------------------------------------------------


async def test_caches_are_used_mwhile_news_of_changes_arrive_and_read_again_while_they_do_not(
    processes: Processes,
) -> None:
    state = await processes.start()
    assert (await state.tokens("card"), (await state.consumed("token:1")).day_mwh) == ((), 0)
    processes.stored.records, processes.stored.used_mwh = (token(),), 5000
    assert (await state.tokens("card"), (await state.consumed("token:1")).day_mwh) == ((), 0)
    assert await state.tokens("card") == ()

    processes.close_connections_for_news()
    await processes.clock.someone_sleeps(0.1)

    assert await state.tokens("card") == (token(),)
    assert (await state.consumed("token:1")).day_mwh == 5000
    processes.stored.records = ()
    assert await state.tokens("card") == ()


async def test_after_an_outage_the_caches_are_empty(processes: Processes) -> None:
    state = await processes.start()
    processes.close_connections_for_news()
    await processes.clock.someone_sleeps(0.1)
    await state.tokens("card")
    processes.stored.records = (token(),)

    processes.clock.move(0.1)
    await processes.until_up(state)

    assert await state.tokens("card") == (token(),)


# -- transaction numbers and the rebuilding ------------------------------------------------------------


async def test_after_a_loss_the_next_number_is_above_the_last_one_of_the_process(
    processes: Processes,
) -> None:
    state, bench = await processes.start(), processes.bench
    bench.client.set(bench.keys.numbers, 5000)
    assert await state.run(NUMBER, [bench.keys.numbers], "") == 5001
    assert await state.next_transaction_number() == 5002

    bench.client.delete(bench.keys.numbers)
    assert await state.next_transaction_number() == 5103

    bench.client.set(bench.keys.numbers, 4000)
    assert await state.next_transaction_number() == 4001
    bench.client.delete(bench.keys.numbers)
    assert await state.next_transaction_number() == 5204


async def test_a_rebuilt_state_has_the_given_transactions_only(processes: Processes) -> None:
    state = RedisState()
    state.transaction_changed(running(1000, group_id="G"))

    state.rebuild(last_number=7000, active=[running(1001, token_key="new", group_id="H")])

    assert (await state.running("card"), await state.running_of_group("g")) == ([], [])
    assert [one.id for one in await state.running("new") + await state.running_of_group("h")] == [1001] * 2
    assert await state.next_transaction_number() == 7101
    await state.stop()


async def test_counts_of_events_and_probes_are_shared(processes: Processes) -> None:
    one, other = await processes.start(), await processes.start()

    await one.recent.note("192.0.2.1", "A", "x")
    await one.probes.request("s1")
    assert await other.recent.counts("192.0.2.1", "A", "x") == [1]
    assert await other.probes.requested() == ["s1"]
    assert await other.probes.is_confirmed("s1") is False

    await other.probes.confirm("s1")

    assert await one.probes.is_confirmed("s1") is True
    assert processes.bench.expires("probe:s1", 5_000)


async def test_a_state_that_never_started_can_be_stopped(processes: Processes) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await RedisState().stop()
