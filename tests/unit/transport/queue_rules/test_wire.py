"""The connection of the queue to Redis: what is sent, how replies are read, and what an outage does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ocpp_server.live.redis import wire as module
from ocpp_server.live.redis.wire import Wire
from tests.unit.transport.queue_rules.sockets import Socket, Sockets, settle

PING = b"*1\r\n$4\r\nPING\r\n"
SCRIPT: Any = SimpleNamespace(sha="abc", text="return 1")
EVALSHA = b"*5\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n"
EVAL = b"*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\na\r\n"


@pytest.fixture
async def sockets(monkeypatch: pytest.MonkeyPatch, settings: Any) -> AsyncIterator[Sockets]:
    settings.REDIS_HOST, settings.REDIS_PORT = "redis.example", 6380
    settings.ENVIRONMENT = {**settings.ENVIRONMENT, "REDIS_PASSWORD": ""}
    sockets = Sockets()
    sockets.play(monkeypatch)
    yield sockets


@pytest.fixture
def wire(sockets: Sockets) -> Wire:
    return Wire()


async def ask(wire: Wire, sockets: Sockets, *parts: Any) -> tuple[asyncio.Task[Any], Socket]:
    """Send a command; its task waits for the reply."""
    task = asyncio.create_task(wire.call(*(parts or ("PING",))))
    await settle()
    return task, sockets.made[-1]


# -- commands ------------------------------------------------------------------------------------------


async def test_a_command_is_sent_with_the_length_of_each_part_in_bytes(wire: Wire, sockets: Sockets) -> None:
    task, socket = await ask(wire, sockets, "SET", b"\xff\r\n", "ä€", 12)

    assert socket.sent == b"*4\r\n$3\r\nSET\r\n$3\r\n\xff\r\n\r\n$5\r\n\xc3\xa4\xe2\x82\xac\r\n$2\r\n12\r\n"
    assert sockets.addresses == [("redis.example", 6380)]
    socket.reply(b"+OK\r\n")
    assert await task == b"OK"


async def test_a_script_is_run_by_its_hash_after_the_command_in_front_of_it(
    wire: Wire, sockets: Sockets
) -> None:
    task = asyncio.create_task(wire.run(SCRIPT, ["k"], "a", after=("PING",)))
    await settle()
    (socket,) = sockets.made

    assert socket.sent == PING + EVALSHA
    socket.reply(b"+PONG\r\n:7\r\n")
    assert await task == 7


async def test_a_script_that_redis_does_not_know_is_sent_whole(wire: Wire, sockets: Sockets) -> None:
    task = asyncio.create_task(wire.run(SCRIPT, ["k"], "a"))
    await settle()
    (socket,) = sockets.made
    assert socket.sent == EVALSHA

    socket.reply(b"-NOSCRIPT No matching script.\r\n")
    await settle()
    assert socket.sent == EVALSHA + EVAL
    socket.reply(b":7\r\n")

    assert await task == 7


async def test_the_failure_of_the_command_in_front_of_a_script_is_ignored(
    wire: Wire, sockets: Sockets
) -> None:
    unhandled: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    task = asyncio.create_task(wire.run(SCRIPT, ["k"], "a", after=("BLPOP",)))
    await settle()

    sockets.made[0].reply(b"-ERR wrong number of arguments\r\n:7\r\n")

    assert await task == 7
    del task
    await settle()
    assert unhandled == []


async def test_commands_are_sent_together_and_all_have_to_succeed(wire: Wire, sockets: Sockets) -> None:
    task = asyncio.create_task(wire.call_all([("PING",)] * 3))
    await settle()
    (socket,) = sockets.made
    assert socket.sent == 3 * PING

    socket.reply(b"+PONG\r\n-WRONGTYPE wrong\r\n")
    await settle()
    assert not task.done()
    socket.reply(b"+PONG\r\n")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await task


# -- replies -------------------------------------------------------------------------------------------

REPLIES = [
    (b"$5\r\nhello\r\n", b"hello"),
    (b"$0\r\n\r\n", b""),
    (b"$4\r\n\r\n\r\n\r\n", b"\r\n\r\n"),
    (b"$-1\r\n", None),
    (b":42\r\n", 42),
    (b":-7\r\n", -7),
    (b"+OK\r\n", b"OK"),
    (b"*0\r\n", []),
    (b"*-1\r\n", None),
    (b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n+b\r\n", [b"a", [1, None], b"b"]),
]


@pytest.mark.parametrize(("text", "value"), REPLIES)
async def test_each_kind_of_reply_is_read_whole_and_in_any_pieces(
    wire: Wire, sockets: Sockets, text: bytes, value: Any
) -> None:
    for cut in range(1, len(text)):
        task, socket = await ask(wire, sockets)
        socket.reply(text[:cut])
        await settle()
        assert not task.done()
        socket.reply(text[cut:])
        await settle()
        assert task.done() and task.result() == value
    task, socket = await ask(wire, sockets)
    socket.reply(*(text[at : at + 1] for at in range(len(text))))
    await settle()

    assert task.done() and task.result() == value and len(sockets.made) == 1


async def test_replies_belong_to_the_calls_in_their_order(wire: Wire, sockets: Sockets) -> None:
    tasks = [(await ask(wire, sockets))[0] for _ in REPLIES]

    text = b"".join(text for text, _ in REPLIES)
    sockets.made[0].reply(text[:40], text[40:])

    assert await asyncio.gather(*tasks) == [value for _, value in REPLIES]


async def test_an_error_reply_is_raised_and_the_connection_stays(wire: Wire, sockets: Sockets) -> None:
    task, socket = await ask(wire, sockets)
    socket.reply(b"-OOM \xff not allowed\r\n")
    with pytest.raises(ResponseError, match="OOM \ufffd not allowed"):
        await task

    task, again = await ask(wire, sockets)
    again.reply(b"+PONG\r\n")
    assert await task == b"PONG" and again is socket


async def test_an_error_in_a_list_does_not_shift_the_replies(wire: Wire, sockets: Sockets) -> None:
    task, socket = await ask(wire, sockets)
    other, _ = await ask(wire, sockets)

    socket.reply(b"*3\r\n:1\r\n-ERR no\r\n:2\r\n:3\r\n")

    first, error, second = await task
    assert (first, type(error), second, await other) == (1, ResponseError, 2, 3)


async def test_the_reply_to_a_cancelled_call_belongs_to_no_other(wire: Wire, sockets: Sockets) -> None:
    cancelled, socket = await ask(wire, sockets)
    second, _ = await ask(wire, sockets)
    cancelled.cancel()
    await settle()

    socket.reply(b":1\r\n:2\r\n")

    assert await second == 2


async def test_a_long_reply_is_read_again_only_when_it_may_be_complete(
    wire: Wire, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, lengths = module._read, []

    def counted(buffer: bytearray, at: int) -> Any:
        lengths.append(len(buffer))
        return read(buffer, at)

    monkeypatch.setattr(module, "_read", counted)
    task, socket = await ask(wire, sockets)

    socket.reply(b"$100\r\n", *(b"x" for _ in range(100)), b"\r", b"\n")

    assert await task == b"x" * 100
    assert lengths == [6, 108]


# -- outages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text"), [(None, "Redis closed the connection."), (OSError("reset by peer"), "reset by peer")]
)
async def test_all_calls_fail_when_the_connection_is_lost_and_the_next_one_opens_another(
    wire: Wire, sockets: Sockets, error: Exception | None, text: str
) -> None:
    tasks = [(await ask(wire, sockets))[0] for _ in range(3)]
    tasks[0].cancel()
    await settle()

    sockets.made[0].lose(error)

    for task in tasks[1:]:
        with pytest.raises(RedisConnectionError, match=text):
            await task
    task, socket = await ask(wire, sockets)
    assert len(sockets.made) == 2
    socket.reply(b"+PONG\r\n")
    assert await task == b"PONG"


async def test_a_call_without_a_reply_fails_after_two_seconds_and_its_connection_is_not_used_again(
    wire: Wire, sockets: Sockets
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(RedisConnectionError):
        await wire.call("PING")

    assert 2 <= loop.time() - began < 30 and not sockets.made[0].is_open
    task, socket = await ask(wire, sockets)
    socket.reply(b"+PONG\r\n")
    assert await task == b"PONG" and len(sockets.made) == 2


@pytest.mark.parametrize("kind", ["call", "run"])
async def test_a_call_that_blocks_in_redis_has_so_much_more_time(
    wire: Wire, sockets: Sockets, kind: str
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(RedisConnectionError):
        if kind == "call":
            await wire.call("BLPOP", "k", "100", block_s=100)
        else:
            await wire.run(SCRIPT, [], after=("BLPOP", "k", "100"), block_s=100)

    assert 102 <= loop.time() - began < 130


async def test_an_answered_call_does_not_end_the_connection_later(wire: Wire, sockets: Sockets) -> None:
    task, socket = await ask(wire, sockets)
    socket.reply(b"+PONG\r\n")
    await task

    await asyncio.sleep(10)

    assert socket.is_open


async def test_calls_at_the_same_time_open_one_connection(wire: Wire, sockets: Sockets) -> None:
    for number in (1, 2):
        first, second = (asyncio.create_task(wire.call("PING")) for _ in range(2))
        await settle()
        assert len(sockets.made) == number
        sockets.made[-1].reply(b":1\r\n:2\r\n")
        assert [await first, await second] == [1, 2]
        sockets.made[-1].lose(None)


async def test_a_connection_that_is_lost_at_once_fails_the_call(wire: Wire, sockets: Sockets) -> None:
    sockets.are_lost = True

    with pytest.raises(RedisConnectionError, match=r"Redis closed the connection\."):
        await wire.call("PING")


async def test_a_refused_connection_is_an_outage(wire: Wire, sockets: Sockets) -> None:
    async def refuse() -> None:
        raise OSError("refused")

    sockets.before = [refuse]

    with pytest.raises(RedisConnectionError, match="refused"):
        await wire.call("PING")


async def test_a_connection_that_is_not_accepted_is_given_up_after_two_seconds(
    wire: Wire, sockets: Sockets
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    sockets.before = [asyncio.Event().wait]

    with pytest.raises(RedisTimeoutError, match="does not accept"):
        await wire.call("PING")

    assert 2 <= loop.time() - began < 30


# -- password ------------------------------------------------------------------------------------------


@pytest.fixture
def password(settings: Any, sockets: Sockets) -> bytes:
    settings.ENVIRONMENT = {**settings.ENVIRONMENT, "REDIS_PASSWORD": "secret"}
    return b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"


async def test_the_password_is_sent_before_any_command(password: bytes, wire: Wire, sockets: Sockets) -> None:
    task, socket = await ask(wire, sockets)
    assert socket.sent == password

    socket.reply(b"+OK\r\n")
    await settle()
    assert socket.sent == password + PING
    socket.reply(b"+PONG\r\n")

    assert await task == b"PONG"


async def test_a_connection_with_a_wrong_password_is_not_used(
    password: bytes, wire: Wire, sockets: Sockets
) -> None:
    for number in (1, 2):
        task, socket = await ask(wire, sockets)
        socket.reply(b"-WRONGPASS invalid\r\n")
        with pytest.raises(ResponseError, match="WRONGPASS"):
            await task
        # Each attempt would leave a connection that Redis keeps open.
        assert len(sockets.made) == number and not socket.is_open


async def test_a_call_that_is_cancelled_before_the_password_is_accepted_leaves_no_connection(
    password: bytes, wire: Wire, sockets: Sockets
) -> None:
    task, socket = await ask(wire, sockets)

    task.cancel()
    await settle()

    assert not socket.is_open


async def test_a_password_without_a_reply_is_an_outage_after_two_seconds(
    password: bytes, wire: Wire, sockets: Sockets
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(RedisConnectionError):
        await wire.call("PING")

    assert 2 <= loop.time() - began < 30


# -- closing -------------------------------------------------------------------------------------------


async def test_closing_ends_the_calls_and_may_be_repeated(wire: Wire, sockets: Sockets) -> None:
    wire.close()
    task, socket = await ask(wire, sockets)

    wire.close()
    wire.close()

    assert not socket.is_open
    with pytest.raises(RedisConnectionError):
        await task


async def test_a_connection_that_is_lost_can_be_closed(wire: Wire, sockets: Sockets) -> None:
    task, socket = await ask(wire, sockets)
    socket.reply(b"+PONG\r\n")
    await task
    socket.lose(None)

    wire.close()

    task, _ = await ask(wire, sockets)
    sockets.made[-1].reply(b"+PONG\r\n")
    assert await task == b"PONG" and len(sockets.made) == 2
