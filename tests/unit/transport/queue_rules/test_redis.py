"""The processor's connections to Redis: one for calls, one that waits, and what an outage raises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.transport.queue.redis import QueueRedis
from tests.unit.transport.queue_rules.sockets import Sockets, settle

SCRIPT: Any = SimpleNamespace(sha="abc", text="return 1")


def packed(*parts: str) -> bytes:
    found = "".join(f"${len(part)}\r\n{part}\r\n" for part in parts)
    return f"*{len(parts)}\r\n{found}".encode()


@pytest.fixture
async def sockets(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Sockets:
    settings.REDIS_STATE_PREFIX, settings.REDIS_STATE_TTL = "p", 7.5
    settings.ENVIRONMENT = {**settings.ENVIRONMENT, "REDIS_PASSWORD": ""}
    sockets = Sockets()
    sockets.play(monkeypatch)
    return sockets


@pytest.fixture
def redis(sockets: Sockets) -> QueueRedis:
    return QueueRedis()


async def test_a_script_gets_the_prefix_and_how_long_state_is_kept(
    redis: QueueRedis, sockets: Sockets
) -> None:
    task = asyncio.create_task(redis.run(SCRIPT, "a"))
    await settle()

    (socket,) = sockets.made
    assert socket.sent == packed("EVALSHA", "abc", "1", "p", "7500", "a")
    socket.reply(b":7\r\n")
    assert await task == 7


async def test_a_command_is_answered(redis: QueueRedis, sockets: Sockets) -> None:
    task = asyncio.create_task(redis.call("GET", "k"))
    await settle()

    assert sockets.made[0].sent == packed("GET", "k")
    sockets.made[0].reply(b"$1\r\nv\r\n")
    assert await task == b"v"


async def test_a_wakeup_is_waited_for_on_a_connection_of_its_own(redis: QueueRedis, sockets: Sockets) -> None:
    waiting = asyncio.create_task(redis.run_after_wakeup(SCRIPT, "a", lists=("x", "y"), within=1.5))
    await settle()
    call = asyncio.create_task(redis.call("PING"))
    await settle()

    first, second = sockets.made
    assert first.sent == packed("BLPOP", "x", "y", "1.5") + packed("EVALSHA", "abc", "1", "p", "7500", "a")
    second.reply(b"+PONG\r\n")
    assert await call == b"PONG"
    first.reply(b"*-1\r\n:7\r\n")
    assert await waiting == 7


async def test_without_time_to_wait_the_script_runs_at_once(redis: QueueRedis, sockets: Sockets) -> None:
    task = asyncio.create_task(redis.run_after_wakeup(SCRIPT, "a", lists=("x", "y"), within=0.0))
    await settle()

    assert sockets.made[0].sent == packed("EVALSHA", "abc", "1", "p", "7500", "a")
    sockets.made[0].reply(b":7\r\n")
    assert await task == 7


async def test_the_wait_for_a_wakeup_does_not_count_as_an_outage(redis: QueueRedis, sockets: Sockets) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(LiveStateUnavailable):
        await redis.run_after_wakeup(SCRIPT, lists=("x",), within=100)

    assert loop.time() - began >= 102


CALLS: dict[str, Callable[[QueueRedis], Any]] = {
    "run": lambda redis: redis.run(SCRIPT),
    "call": lambda redis: redis.call("PING"),
    "run_after_wakeup": lambda redis: redis.run_after_wakeup(SCRIPT, lists=("x",), within=1),
    "sweep": lambda redis: redis.sweep(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_an_outage_is_the_same_error_for_every_call_and_says_why(
    redis: QueueRedis, sockets: Sockets, name: str
) -> None:
    async def refuse() -> None:
        raise OSError("nothing listens")

    sockets.before = [refuse]

    with pytest.raises(LiveStateUnavailable, match="nothing listens"):
        await CALLS[name](redis)


@pytest.mark.parametrize("name", CALLS)
async def test_a_refusal_of_redis_is_an_outage_too(redis: QueueRedis, sockets: Sockets, name: str) -> None:
    task = asyncio.create_task(CALLS[name](redis))
    await settle()

    sockets.made[0].reply(b"-OOM command not allowed\r\n" * 2)

    with pytest.raises(LiveStateUnavailable, match="OOM"):
        await task


async def test_closing_ends_the_calls_of_both_connections(redis: QueueRedis, sockets: Sockets) -> None:
    tasks = [asyncio.create_task(CALLS[name](redis)) for name in ("call", "run_after_wakeup")]
    await settle()

    redis.close()

    assert not any(socket.is_open for socket in sockets.made) and len(sockets.made) == 2
    for task in tasks:
        with pytest.raises(LiveStateUnavailable):
            await task
