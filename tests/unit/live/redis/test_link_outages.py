"""The connection to Redis after an outage, and the pauses between two attempts."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from ocpp_server.live.interface import LiveStateUnavailable
from tests.distributed import engines
from tests.logged import captured_logs
from tests.redis_scripts import Bench
from tests.unit.live.redis.listening import Listening
from tests.unit.live.redis.stand_ins import PATIENCE_S, Clock, away


async def failing(listening: Listening, error: Exception, times: int = 1) -> None:
    """Let so many ticks fail, and wait for the pause after the first failure."""
    left = [error] * times

    def fail() -> None:
        if left:
            raise left.pop()

    listening.in_tick = fail
    listening.clock.move(1)
    await listening.news("wake")
    await listening.clock.someone_sleeps()


def unavailable(cause: Exception) -> LiveStateUnavailable:
    error = LiveStateUnavailable("Redis is away.")
    error.__cause__ = cause
    return error


# -- the start -----------------------------------------------------------------------------------------


async def test_a_link_does_not_start_without_redis(
    listening: Listening, bench: Bench, engine: engines.Redis
) -> None:
    with away(bench, engine), pytest.raises(LiveStateUnavailable, match="Redis can't be reached"):
        await listening.link.start()

    assert (listening.seen, listening.link.up_since) == ([], None)


async def test_a_link_does_not_start_when_the_first_reading_fails(listening: Listening, bench: Bench) -> None:
    def fail() -> None:
        raise ResponseError("OOM")

    listening.in_up = fail
    with pytest.raises(LiveStateUnavailable, match="refuses the command"):
        await listening.link.start()

    assert listening.link.up_since is None
    async with asyncio.timeout(PATIENCE_S):
        while bench.client.pubsub_numsub(bench.keys.news) != [(bench.keys.news, 0)]:
            await asyncio.sleep(0)


async def test_a_link_does_not_start_without_an_answer_to_the_subscription(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object, **__: object) -> None:
        """No message has arrived."""

    monkeypatch.setattr(PubSub, "get_message", nothing)

    with pytest.raises(LiveStateUnavailable, match="no answer to SUBSCRIBE"):
        await listening.link.start()

    assert listening.seen == []


# -- outages -------------------------------------------------------------------------------------------


async def test_after_a_closed_connection_everything_is_read_again(
    listening: Listening, bench: Bench, clock: Clock
) -> None:
    await listening.link.start()
    await listening.news("begin")
    clock.now += 0.5
    bench.client.client_kill_filter(_type="pubsub", skipme=True)

    with captured_logs() as lines:
        assert await clock.someone_sleeps() == 0.1
        assert (listening.link.up_since, listening.link.down_since) == (None, clock.now)
        assert listening.link.error != ""
        clock.move(0.1)
        await listening.until("tick", times=2)
        await listening.news("again")

    assert listening.seen == ["up", "tick", "news begin", "up", "tick", "news again"]
    assert (listening.link.up_since, listening.link.down_since) == (clock.now, None)
    assert listening.link.error == ""
    assert [line["event"] for line in lines] == ["redis.away", "redis.back"]
    assert lines[1]["after_failures"] == 1


async def test_a_connection_that_the_client_has_replaced_by_itself_may_have_missed_news(
    listening: Listening, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client subscribes again, and returns the confirmation."""
    await listening.link.start()
    await listening.news("begin")
    get = PubSub.get_message

    async def resubscribed(pubsub: PubSub, **arguments: object) -> object:
        monkeypatch.setattr(PubSub, "get_message", get)
        return {"type": "subscribe", "data": 1}

    monkeypatch.setattr(PubSub, "get_message", resubscribed)
    await listening.news("wake")

    await clock.someone_sleeps()
    assert listening.link.error == "Redis closed the connection."


async def test_the_pauses_between_two_attempts_grow_to_a_second(
    listening: Listening, bench: Bench, engine: engines.Redis, clock: Clock
) -> None:
    await listening.link.start()
    await listening.news("begin")

    with captured_logs() as lines:
        with away(bench, engine):
            began = clock.now
            for pause in (0.1, 0.2, 0.5, 1.0, 1.0):
                assert await clock.someone_sleeps() == pause
                assert listening.link.down_since == began
                if pause != clock.slept[-1] or len(clock.slept) < 5:
                    clock.move(pause)
        clock.move(1.0)
        await listening.until("up", times=2)
        await listening.news("again")
        bench.client.client_kill_filter(_type="pubsub", skipme=True)
        assert await clock.someone_sleeps() == 0.1

    assert clock.slept == [0.1, 0.2, 0.5, 1.0, 1.0, 0.1]
    assert [line["event"] for line in lines] == ["redis.away", "redis.back", "redis.away"]
    assert lines[1]["after_failures"] == 5


async def test_a_redis_that_refuses_the_tick_is_away(listening: Listening, clock: Clock) -> None:
    await listening.link.start()
    await listening.news("begin")
    await failing(listening, unavailable(ResponseError("OOM")))
    assert listening.link.error == "OOM"

    clock.move(0.1)
    await listening.until("up", times=2)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LiveStateUnavailable("away"), "away"),
        (RedisConnectionError(), "ConnectionError"),
        (OSError("x"), "x"),
    ],
)
async def test_the_error_of_an_outage_is_kept(listening: Listening, error: Exception, reason: str) -> None:
    await listening.link.start()
    await listening.news("begin")
    await failing(listening, error)

    assert listening.link.error == reason


@pytest.mark.parametrize(("text", "reason"), [("a fault", "a fault"), ("", "ValueError")])
async def test_after_a_fault_the_link_subscribes_again(
    listening: Listening, clock: Clock, text: str, reason: str
) -> None:
    await listening.link.start()
    await listening.news("begin")
    with captured_logs() as lines:
        await failing(listening, ValueError(text))
    assert listening.link.error == reason
    assert [line["event"] for line in lines] == ["redis.link_failed"]

    clock.move(0.1)
    await listening.until("up", times=2)


async def test_a_tick_that_fails_with_the_subscription_makes_the_pauses_grow(
    listening: Listening, clock: Clock
) -> None:
    await listening.link.start()
    await listening.news("begin")
    await failing(listening, unavailable(ResponseError("OOM")), times=2)

    clock.move(0.1)

    assert await clock.someone_sleeps() == 0.2


@pytest.mark.parametrize(
    ("cause", "is_closed"), [(ReadOnlyError("a replica"), True), (ResponseError("OOM"), False)]
)
async def test_idle_connections_to_a_former_master_are_closed(
    listening: Listening, bench: Bench, cause: Exception, is_closed: bool
) -> None:
    redis, key = listening.link.redis, f"{bench.prefix}:list"
    await listening.link.start()
    await listening.news("begin")
    waiting = asyncio.ensure_future(redis.blpop([key], 0))
    await redis.client_setname(bench.prefix)

    await failing(listening, unavailable(cause))

    def is_open() -> bool:
        return bench.prefix in [client["name"] for client in bench.client.client_list()]

    async with asyncio.timeout(PATIENCE_S):
        while is_closed and is_open():  # until Redis has noticed it
            await asyncio.sleep(0)
    assert is_open() != is_closed
    bench.client.rpush(key, "x")
    assert await asyncio.wait_for(waiting, PATIENCE_S) == (key, "x"), "a command under way is not cut off"
