"""The shared live state of a process without an engine, such as `manage.py` or a gateway: it never starts."""

from __future__ import annotations

import pytest

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis import state as module
from ocpp_server.live.redis.publisher import running_text
from ocpp_server.live.redis.state import RedisState
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import running, station_of

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
    assert await state.gone({"CP-1": "s1"}) == []
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


def test_all_processes_notice_a_flush_with_their_next_tick_and_its_message() -> None:
    assert module.NOTICED_S == 3.0
