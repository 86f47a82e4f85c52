"""The shared live state of a process without an engine, such as `manage.py` or a gateway: it never starts."""

from __future__ import annotations

import pytest

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis.publisher import running_text
from ocpp_server.live.redis.state import RedisState
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import Stored, running, station_of

pytestmark = pytest.mark.usefixtures("url")


async def test_it_counts_events_and_asks_for_probes_like_any_other() -> None:
    state = RedisState()

    assert await state.recent.note("192.0.2.1", "A", "x") == 1
    await state.probes.request("s1")

    assert await state.recent.counts("192.0.2.1", "A", "x") == [1]
    assert await state.probes.requested() == ["s1"]
    await state.stop()


async def test_it_is_not_the_housekeeper_and_receives_no_news() -> None:
    state = RedisState()

    assert (state.is_shared, state.is_housekeeper, state.is_current, state.away) == (True, False, False, None)
    assert await state.gone({"CP-1": "s1"}) == {}
    with pytest.raises(LiveStateUnavailable, match="no news"):
        await state.connection("CP-1")
    await state.stop()


async def test_a_stop_writes_what_has_changed(bench: Bench) -> None:
    state = RedisState()
    state.station_changed(station_of(running()))

    await state.stop()

    assert bench.content()["business:transactions"] == {"1001": running_text(running())}


async def test_a_stop_gives_up_the_office(bench: Bench) -> None:
    state = RedisState()
    bench.client.set(bench.keys.housekeeper, state.process)

    await state.stop()

    assert bench.content() == {}


async def test_changes_after_a_stop_are_published_at_once(bench: Bench) -> None:
    state = RedisState()
    await state.stop()

    with bench.news() as news:
        state.forget_tokens()

    assert news == [[state.process, [["tokens"]]]]


async def test_its_comparison_with_the_database_corrects_redis(bench: Bench, stored: Stored) -> None:
    state = RedisState()
    bench.client.hset(bench.keys.transactions, "1001", running_text(running()))
    bench.client.set(bench.keys.numbers, 1002)
    stored.active = {1002: running(1002)}

    await state.reconcile()

    assert bench.client.hgetall(bench.keys.transactions) == {"1002": running_text(running(1002))}
    assert (stored.kept, await state.running("card")) == ([1002], [running(1002)])
    await state.stop()


async def test_a_long_correction_does_not_hold_up_the_commands_of_others(
    bench: Bench, stored: Stored
) -> None:
    """It is no transaction, whose commands Redis would run without a break."""
    state = RedisState()
    stored.active = {1002: running(1002)}
    bench.client.config_resetstat()

    await state.reconcile()
    await state.stop()

    assert "cmdstat_hset" in bench.client.info("commandstats")
    assert "cmdstat_exec" not in bench.client.info("commandstats")


def test_its_own_copies_of_a_changed_or_removed_station_are_forgotten(stored: Stored) -> None:
    state = RedisState()

    state.stored_key_changed("CP-1", "Key", "1")
    state.station_removed("CP-2")

    assert stored.forgotten == ["CP-1", "CP-2"]
