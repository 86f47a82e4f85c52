"""The connection to Redis: commands, news and the tick."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis import link as module
from ocpp_server.live.redis.keys import NUMBER, Script
from ocpp_server.live.redis.link import Link, reason_of
from tests.redis_scripts import Bench
from tests.unit.live.redis.listening import Listening
from tests.unit.live.redis.stand_ins import Clock

# -- commands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ResponseError("OOM"), "Redis refuses the command (OOM)."),
        (RedisConnectionError("no route"), "Redis can't be reached (no route)."),
        (OSError(), "Redis can't be reached (OSError)."),
        (TimeoutError(), "Redis can't be reached (TimeoutError)."),
        (RuntimeError("closed"), "Redis can't be reached (closed)."),
    ],
)
async def test_a_command_that_fails_says_why_redis_is_away(link: Link, error: Exception, reason: str) -> None:
    async def command() -> None:
        raise error

    with pytest.raises(LiveStateUnavailable) as raised:
        await link.attempt(command())

    assert str(raised.value) == reason == reason_of(error)
    assert link.error == (str(error) or type(error).__name__)
    assert raised.value.__cause__ is error


async def test_a_fault_in_a_command_is_no_outage(link: Link) -> None:
    async def command() -> None:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        await link.attempt(command())

    assert link.error == ""


async def test_a_script_is_sent_as_text_when_redis_does_not_have_it(link: Link, bench: Bench) -> None:
    bench.client.script_flush()
    assert await link.run(NUMBER, [bench.keys.numbers], "1000") == 1001

    bench.client.script_flush()
    assert await link.run(NUMBER, [bench.keys.numbers], "") == 1002
    assert await link.run(NUMBER, [bench.keys.numbers], "") == 1003


def test_scripts_that_share_functions_are_joined_by_a_line_break(tmp_path: Any) -> None:
    for name, text in (("shared", "local x = 1 -- é"), ("one", "return x")):
        (tmp_path / f"{name}.lua").write_text(text, "utf-8")

    script = Script("shared", "one", folder=tmp_path)

    assert script.text == "local x = 1 -- é\nreturn x"
    assert script.sha == "36704aa20fa559338998886ee9938b24292be13f"


async def test_a_command_without_an_answer_is_given_up_and_not_sent_again(
    url: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.TIMEOUT_S == 2.0
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    link = Listening(url, bench, Clock()).link
    bench.client.config_resetstat()

    with pytest.raises(LiveStateUnavailable):
        await link.attempt(link.redis.blpop([f"{bench.prefix}:nothing"], 0))

    assert bench.client.info("commandstats")["cmdstat_blpop"]["calls"] == 1
    await link.stop()


async def test_a_command_on_a_connection_that_redis_has_closed_is_sent_on_a_new_one(
    link: Link, bench: Bench
) -> None:
    await link.attempt(link.redis.ping())

    bench.client.client_kill_filter(_type="normal", skipme=True)

    assert await link.attempt(link.redis.get(f"{bench.prefix}:nothing")) is None


async def test_a_caller_waits_for_a_free_connection(
    url: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECTIONS", 1)
    link = Listening(url, bench, Clock()).link
    key = f"{bench.prefix}:list"
    waiting = asyncio.ensure_future(link.attempt(link.redis.blpop([key], 0)))
    while not bench.client.info("clients")["blocked_clients"]:
        await asyncio.sleep(0)
    another = asyncio.ensure_future(link.attempt(link.redis.get(bench.keys.probe)))
    await asyncio.sleep(0)
    assert not another.done()

    bench.client.rpush(key, "x")

    assert await waiting == (key, "x")
    assert await another is None
    await link.stop()


async def test_a_lost_connection_is_noticed_by_the_operating_system_and_a_crowd_waits_for_two_commands(
    link: Link,
) -> None:
    pool: Any = link.redis.connection_pool

    assert pool.connection_kwargs["socket_keepalive"] is True
    assert pool.connection_kwargs["socket_connect_timeout"] == module.TIMEOUT_S
    assert pool.timeout == module.TIMEOUT_S + module.TIMEOUT_S


# -- listening -----------------------------------------------------------------------------------------


async def test_a_link_is_up_once_everything_was_read(listening: Listening, clock: Clock) -> None:
    link = listening.link
    assert (link.up_since, link.down_since, link.error) == (None, None, "")
    listening.in_up = lambda: listening.seen.append(f"up since {link.up_since}")

    await link.start()

    assert listening.seen == ["up since None", "up", "tick"]
    assert (link.up_since, link.down_since, link.error) == (clock.now, None, "")


async def test_news_that_arrive_while_everything_is_read_follow_it(
    listening: Listening, bench: Bench
) -> None:
    listening.in_up = lambda: bench.client.publish(bench.keys.news, "meanwhile")
    await listening.link.start()

    bench.client.publish(bench.keys.news, "later")
    await listening.until("news later")

    assert listening.seen == ["up", "tick", "news meanwhile", "news later"]


async def test_a_second_after_the_last_tick_is_the_next_one(
    listening: Listening, bench: Bench, clock: Clock
) -> None:
    listening.in_tick = lambda: clock.move(10)  # a slow one
    await listening.link.start()
    await listening.news("begin")

    for seconds, ticks in ((0.999, 1), (0.001, 2), (0.999, 2), (0.001, 3)):
        clock.move(seconds)
        await listening.news("wake")
        await listening.news("after")
        assert listening.seen.count("tick") == ticks


async def test_ticks_come_without_news(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.002)
    monkeypatch.setattr(module, "time", time)
    await listening.link.start()

    await listening.until("tick", times=4)


async def test_the_link_waits_a_millisecond_longer_than_until_the_next_tick(
    listening: Listening, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = listening.record_waits(monkeypatch)
    await listening.link.start()
    await listening.news("begin")
    clock.move(0.4)
    await listening.news("next")
    await listening.news("after")

    assert waits[-2] == pytest.approx(0.601)


async def test_a_late_tick_waits_a_millisecond_for_news(
    listening: Listening, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = listening.record_waits(monkeypatch)
    await listening.link.start()
    await listening.news("begin")
    listening.in_news = lambda: clock.move(4)
    await listening.news("slow")
    await listening.until("tick", times=2)

    assert min(waits) == pytest.approx(0.001)


async def test_a_link_that_stops_leaves_no_connection(listening: Listening, bench: Bench) -> None:
    before = bench.client.info("clients")["connected_clients"]
    await listening.link.start()
    assert bench.client.info("clients")["connected_clients"] > before

    await listening.link.stop()

    await listening.until_clients(before)


async def test_a_link_stops_when_the_client_has_lost_the_cancellation(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CANCEL_AGAIN_S", 0.001)
    await listening.link.start()
    await listening.news("begin")
    hanging = asyncio.Event()

    async def swallow() -> None:
        hanging.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    listening.tick_hangs = swallow
    listening.clock.move(1)
    await listening.news("wake", is_awaited=False)
    await asyncio.wait_for(hanging.wait(), 5)

    await asyncio.wait_for(listening.link.stop(), 5)


# -- while nothing arrives -----------------------------------------------------------------------------


async def test_a_quiet_connection_is_checked_with_a_ping_and_stays(
    listening: Listening, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tick lets a second pass: five may be quiet, and they begin again with the answer to the PING."""
    monkeypatch.setattr(module, "TICK_S", 0.0)
    bench.client.config_resetstat()
    pings: list[int] = []

    def tick() -> None:
        listening.clock.move(1)
        stats = bench.client.info("commandstats").get("cmdstat_ping", {"calls": 0})
        pings.append(stats["calls"])

    listening.in_tick = tick
    await listening.link.start()
    await listening.until("tick", times=9)

    assert pings[:7] == [0] * 7
    assert 1 in pings
    assert listening.seen.count("up") == 1


async def test_a_connection_without_an_answer_to_the_ping_is_closed(
    listening: Listening, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.0)
    sent = listening.keep_pings(monkeypatch)
    listening.in_tick = lambda: clock.move(1)
    await listening.link.start()

    assert await clock.someone_sleeps() == 0.1

    assert listening.link.error == "Redis did not answer a PING"
    # It begins at 1001 s; five quiet seconds later a PING is due, and is awaited for five seconds.
    assert sent == [1007.0]
    assert clock.now == 1013.0
