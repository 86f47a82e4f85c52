"""The calls that the connection to Redis makes to the live state: news, `up` and `tick`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from ocpp_server.live.redis import state as module
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import running_text
from ocpp_server.live.redis.state import RedisState
from tests.redis_scripts import Bench
from tests.unit.live.memory.states import token
from tests.unit.live.redis.stand_ins import LEASE_S, Clock, Stored, opened, running, station_of


class Driven(Link):
    """A connection that listens to nothing: the test makes its calls."""

    def __init__(self, *arguments: Any, **calls: Any) -> None:
        super().__init__(*arguments, **calls)
        self.calls = calls

    async def start(self) -> None:
        self.up_since = 0.0

    def news(self, *news: list[Any], sender: str = "another") -> None:
        self.calls["news"](msgspec.json.encode([sender, list(news)]).decode())


@pytest.fixture
async def state(
    url: str, clock: Clock, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RedisState]:
    monkeypatch.setattr(module, "Link", Driven)
    state = RedisState()
    await state.start()
    yield state
    async with asyncio.timeout(5):
        await state.stop()


def link(state: RedisState) -> Any:
    return state._link


async def written(state: RedisState) -> None:
    """Wait until the changes of this moment are written."""
    await asyncio.sleep(0)
    await state._publisher.settled()


# -- news ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("news", "is_read_again"), [(["token", "other"], False), (["token", "card"], True), (["tokens"], True)]
)
async def test_news_of_tokens_empty_the_cache(
    state: RedisState, stored: Stored, news: list[Any], is_read_again: bool
) -> None:
    await state.tokens("card")
    stored.records = (token(),)

    link(state).news(news)

    assert await state.tokens("card") == ((token(),) if is_read_again else ())


async def test_news_of_transactions_change_the_index(state: RedisState) -> None:
    link(state).news(["running", running_text(running())], ["running", running_text(running(1002))])
    assert await state.running("card") == [running(), running(1002)]

    link(state).news(["ended", 1001, "card"])
    assert await state.running("card") == [running(1002)]


async def test_news_of_stations_make_the_apps_forget_them(state: RedisState, stored: Stored) -> None:
    link(state).news(["key", "CP-1", "Key", "1"], ["removed", "CP-2"], ["online", "CP-3"])

    assert stored.forgotten == ["CP-1", "CP-2"]


async def test_news_of_connections_change_who_is_online(state: RedisState) -> None:
    link(state).news(["online", "CP-1"], ["online", "CP-2"], ["offline", "CP-1"])

    assert state.connected() == ["CP-2"]


async def test_the_own_news_are_ignored(state: RedisState) -> None:
    link(state).news(["online", "CP-1"], sender=state.process)
    assert state.connected() == []

    link(state).news(["online", "CP-1"], sender="")
    assert state.connected() == ["CP-1"]


# -- changes of this process ---------------------------------------------------------------------------


async def test_changes_are_written_and_published_together(state: RedisState, bench: Bench) -> None:
    bench.client.hset(bench.keys.transactions, mapping={"1001": "a", "1002": "b"})
    bench.client.hset(bench.keys.config("CP-2"), "Key", "1")
    with bench.news() as news:
        state.transaction_abandoned(1001, "card")
        state.stored_key_changed("CP-1", "Key", "1")
        state.station_removed("CP-2")
        state.forget_token("card")
        await written(state)

    changes = [["ended", 1001, "card"], ["key", "CP-1", "Key", "1"], ["removed", "CP-2"], ["token", "card"]]
    assert news == [[state.process, changes]]
    assert bench.content() == {"business:transactions": {"1002": "b"}, "config:CP-1": {"Key": "1"}}


# -- up ------------------------------------------------------------------------------------------------


async def test_after_a_subscription_nothing_that_was_read_before_is_used(
    state: RedisState, stored: Stored, bench: Bench
) -> None:
    await state.tokens("card")
    stored.records = (token(),)
    bench.client.hset(bench.keys.transactions, "1001", running_text(running()))

    await link(state).calls["up"]()

    assert await state.tokens("card") == (token(),)
    assert stored.forgotten == [None]
    assert await state.running("card") == [running()]


async def test_after_a_subscription_everything_is_restored_in_redis(
    state: RedisState, bench: Bench, stored: Stored
) -> None:
    stored.active = {1001: running()}
    regained: list[str] = []

    async def notice(connection_id: str) -> None:
        regained.append(connection_id)

    state.watch(lost=notice, regained=notice)
    await state.connect(opened())
    state.station_changed(station_of(running()))
    await written(state)
    bench.clear()

    await link(state).calls["up"]()
    await written(state)

    content = bench.content()
    assert content["session:CP-1"]["session_id"] == "s1"
    assert content["business:transactions"] == {"1001": running_text(running())}
    assert content["server:birth"]["run"] == bench.client.info("server")["run_id"]
    assert regained == [], "Redis was flushed"


async def test_after_a_restart_with_older_data_redis_is_filled(state: RedisState, bench: Bench) -> None:
    bench.client.hset(bench.keys.mark, mapping={"mark": "m", "at": "1", "run": "of the Redis before"})

    await link(state).calls["up"]()

    assert bench.content()["server:birth"]["mark"] != "m"


async def test_a_second_process_leaves_the_mark_of_the_first(state: RedisState, bench: Bench) -> None:
    mark = {"mark": "m", "at": "1", "run": bench.client.info("server")["run_id"]}
    bench.client.hset(bench.keys.mark, mapping=mark)

    await link(state).calls["up"]()
    await link(state).calls["tick"]()

    assert bench.content() == {"server:birth": mark}


# -- ticks ---------------------------------------------------------------------------------------------


async def test_a_tick_renews_leases_after_a_third_of_their_length(
    state: RedisState, bench: Bench, clock: Clock
) -> None:
    await link(state).calls["tick"]()
    await state.connect(opened())
    for seconds, is_renewed in ((LEASE_S / 3 - 1, False), (1, True), (LEASE_S / 3 - 1, False), (1, True)):
        bench.client.zadd(bench.keys.clients, {"CP-1": 1})
        clock.now += seconds
        await link(state).calls["tick"]()
        assert (bench.client.zscore(bench.keys.clients, "CP-1") > 1) == is_renewed


async def test_a_tick_after_a_flush_restores_at_once(state: RedisState, bench: Bench) -> None:
    await link(state).calls["tick"]()
    await state.connect(opened())
    state.station_changed(station_of(running()))
    await written(state)
    bench.clear()

    await link(state).calls["tick"]()
    await written(state)

    assert {"session:CP-1", "business:transactions"} < bench.content().keys()


async def test_a_tick_elects_the_housekeeper(state: RedisState, bench: Bench, clock: Clock) -> None:
    await link(state).calls["tick"]()
    assert (state.is_housekeeper, "server:housekeeper" in bench.content()) == (False, False)

    state.stand_for_election(is_first=True)
    await link(state).calls["tick"]()
    assert state.is_housekeeper
    assert bench.content()["server:housekeeper:first"] == state.process

    bench.client.mset(dict.fromkeys(bench.keys.election, "another"))
    await link(state).calls["tick"]()
    assert not state.is_housekeeper


async def test_a_spare_does_not_take_the_place_of_the_first(state: RedisState, bench: Bench) -> None:
    state.stand_for_election(is_first=False)

    await link(state).calls["tick"]()

    assert bench.content()["server:housekeeper"] == state.process
    assert "server:housekeeper:first" not in bench.content()


async def test_a_tick_reads_who_is_online_once_in_the_length_of_a_lease(
    state: RedisState, bench: Bench, clock: Clock
) -> None:
    await old_mark(state, bench)
    for seconds, is_read in ((LEASE_S, True), (LEASE_S - 1, False), (1, True)):
        link(state).news(["online", "CP-9"])
        clock.now += seconds
        await link(state).calls["tick"]()
        assert state.is_connected("CP-9") != is_read


async def test_a_tick_writes_again_what_redis_has_refused(state: RedisState, bench: Bench) -> None:
    await link(state).calls["tick"]()
    with bench.full():
        state.station_changed(station_of(running()))
        await written(state)

    await link(state).calls["tick"]()
    await written(state)

    assert bench.content()["business:transactions"] == {"1001": running_text(running())}


# -- reading -------------------------------------------------------------------------------------------


async def old_mark(state: RedisState, bench: Bench) -> None:
    """Let the last flush be long ago."""
    bench.client.hset(bench.keys.mark, mapping={"mark": "m", "at": "1", "run": "r"})
    await link(state).calls["tick"]()


@pytest.mark.parametrize("news", [["rebuilt"], ["running", "{}"]])
async def test_a_tick_reads_everything_when_news_may_be_missing(
    state: RedisState, bench: Bench, news: list[Any]
) -> None:
    await old_mark(state, bench)
    state.transaction_changed(running(1000))
    bench.client.hset(bench.keys.transactions, "1001", running_text(running()))
    bench.client.zadd(bench.keys.clients, {"CP-8": 2**52})

    await link(state).calls["tick"]()
    assert await state.running("card") == [running(1000)]
    link(state).news(news)
    await link(state).calls["tick"]()

    assert await state.running("card") == [running()]
    assert state.connected() == ["CP-8"]


async def test_soon_after_a_flush_nothing_is_taken_for_ended(state: RedisState) -> None:
    await link(state).calls["tick"]()
    state.transaction_changed(running())
    link(state).news(["online", "CP-9"], ["rebuilt"])

    await link(state).calls["tick"]()

    assert await state.running("card") == [running()]
    assert state.connected() == ["CP-9"]


@pytest.mark.parametrize("whose", ["held here", "published here"])
async def test_a_transaction_of_an_own_station_is_not_taken_for_ended(
    state: RedisState, bench: Bench, whose: str
) -> None:
    await old_mark(state, bench)
    if whose == "held here":
        await state.connect(opened())
    else:
        state.station_changed(station_of())
        await written(state)
    state.transaction_changed(running())
    link(state).news(["rebuilt"])

    await link(state).calls["tick"]()

    assert await state.running("card") == [running()]
