"""A minimal connection to Redis, for loops that call it continuously.

The client library takes 60 microseconds for each call, nearly all of it in layers that such a loop does not
need (pools, retries, parsers of every reply type); this connection takes 13. A gateway makes three calls for
a few messages, and a process publishes its changes after every batch of the journal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, cast

from django.conf import settings
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ocpp_server.live.redis.keys import Script

Part = bytes | str | int
# Redis usually answers in less than a millisecond; after this time it counts as away.
TIMEOUT_S = 2.0
_END = b"\r\n"


class Incomplete(Exception):
    """The reply is not complete; the argument is the number of bytes that are needed at least."""


class _Replies(asyncio.Protocol):
    """Resolves the futures of commands in the order in which the commands were sent."""

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[Any]] = deque()
        # None after the connection is lost.
        self.transport: asyncio.Transport | None
        self._buffer = bytearray()
        self._needed = 0  # equivalent: no reply is as short as one byte

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's class is not derived from it.
        self.transport = cast("asyncio.Transport", transport)  # equivalent: a cast changes nothing

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        error = RedisConnectionError(str(exc) if exc else "Redis closed the connection.")
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_exception(error)

    async def ask(
        self, commands: Sequence[tuple[Part, ...]], timeout: float, *, must_succeed: bool = False
    ) -> Any:
        """Send commands together. Returns the reply to the last one; the errors of those before it are
        ignored, unless all of them `must_succeed`.
        """
        if self.transport is None:
            raise RedisConnectionError("Redis closed the connection.")
        loop = asyncio.get_running_loop()
        *earlier, future = [loop.create_future() for _ in commands]
        for one in earlier:
            one.add_done_callback(_ignore)
        self.waiting += (*earlier, future)
        self.transport.write(b"".join(map(_packed, commands)))
        timer = loop.call_later(timeout, self.transport.abort)
        try:
            # The future of a cancelled call stays in the queue: its reply belongs to no other call.
            reply = await future
        finally:
            timer.cancel()
        if must_succeed:
            for one in earlier:
                one.result()
        return reply

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) > self._needed and self.waiting:
            try:
                reply, end = _read(buffer, 0)
            except Incomplete as more:
                # A long reply arrives in many pieces: parse again only when it may be complete.
                self._needed = more.args[0] - 1
                return
            del buffer[:end]
            self._needed = 0  # equivalent: no reply is as short as one byte
            future = self.waiting.popleft()
            if future.done():
                continue
            if isinstance(reply, ResponseError):
                future.set_exception(reply)
            else:
                future.set_result(reply)


def _ignore(future: asyncio.Future[Any]) -> None:
    """Mark the exception of a future as retrieved, so that asyncio does not log it."""
    if not future.cancelled():
        future.exception()


def _read(buffer: bytearray, at: int) -> tuple[Any, int]:
    """Parse one reply (RESP 2). Returns it and the position of its end. Raises Incomplete."""
    line_end = buffer.find(_END, at)
    if line_end == -1:
        raise Incomplete(len(buffer))
    kind, line, at = buffer[at], bytes(buffer[at + 1 : line_end]), line_end + 2
    if kind == 0x24:  # $: a text
        size = int(line)
        if size < 0:
            return None, at
        end = at + size + 2
        if len(buffer) < end:
            raise Incomplete(end)
        return bytes(buffer[at : end - 2]), end
    if kind == 0x3A:  # : a number
        return int(line), at
    if kind == 0x2A:  # *: a list
        count = int(line)
        if count < 0:
            return None, at
        items = []
        for _ in range(count):
            item, at = _read(buffer, at)
            items.append(item)
        return items, at
    if kind == 0x2D:  # -: an error
        text = line.decode("utf-8", "replace")
        return (NoScriptError if text.startswith("NOSCRIPT") else ResponseError)(text), at
    return line, at  # +: a status


class Wire:
    """One connection, opened when it is needed. Calls may overlap: Redis answers them in order.

    Every call raises redis' own errors: ConnectionError and TimeoutError when Redis is away, ResponseError
    when it refuses. After a timeout the connection is not used again: its late replies could be taken for
    those of later calls.
    """

    def __init__(self) -> None:
        self._replies: _Replies | None = None
        self._opening = asyncio.Lock()

    async def run(
        self,
        script: Script,
        keys: list[str],
        *arguments: Part,
        after: tuple[Part, ...] = (),
        block_s: float = 0.0,
    ) -> Any:
        """Run a script. `after` is a command that is sent in front of it in the same packet, whose reply is
        ignored; it may block for `block_s` seconds.
        """
        try:
            parts = ("EVALSHA", script.sha, len(keys), *keys, *arguments)
            return await self._ask(*filter(None, (after, parts)), block_s=block_s)
        except NoScriptError:
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def call(self, *parts: Part, block_s: float = 0.0) -> Any:
        """Send a command, which may block in Redis for `block_s` seconds. Returns the reply."""
        return await self._ask(parts, block_s=block_s)

    async def call_all(self, commands: Sequence[tuple[Part, ...]]) -> None:
        """Send commands together; other callers' commands may run between them. Raises the error of one that
        Redis refuses, after the others have run.
        """
        replies = self._replies
        if replies is None or replies.transport is None:
            replies = await self._open()
        await replies.ask(commands, TIMEOUT_S, must_succeed=True)

    async def _ask(self, *commands: tuple[Part, ...], block_s: float = 0.0) -> Any:
        """Send commands. Returns the reply to the last one."""
        replies = self._replies  # equivalent: `_open` returns the same, slowly
        if replies is None or replies.transport is None:
            replies = await self._open()
        return await replies.ask(commands, TIMEOUT_S + block_s)

    async def _open(self) -> _Replies:
        async with self._opening:
            if self._replies is not None and self._replies.transport is not None:
                return self._replies
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    transport, replies = await asyncio.get_running_loop().create_connection(
                        _Replies, settings.REDIS_HOST, settings.REDIS_PORT
                    )
            except TimeoutError:
                raise RedisTimeoutError("Redis does not accept the connection.") from None
            except OSError as error:
                raise RedisConnectionError(str(error)) from error
            password = settings.ENVIRONMENT["REDIS_PASSWORD"]
            if password:
                try:
                    await replies.ask([("AUTH", password)], TIMEOUT_S)
                except BaseException:
                    transport.abort()
                    raise
            self._replies = replies
            return replies

    def close(self) -> None:
        replies, self._replies = self._replies, None
        if replies is not None and replies.transport is not None:
            replies.transport.abort()


def parts_of(text: bytes) -> list[bytes]:
    """The parts of a reply that a script has packed into one text: their sizes, joined by commas, a
    semicolon, the parts.
    """
    sizes, _, rest = text.partition(b";")
    if not sizes:
        return []
    return [rest[start:end] for start, end in pairwise(accumulate(map(int, sizes.split(b",")), initial=0))]


def rows_of(parts: list[bytes], width: int) -> Iterator[tuple[bytes, ...]]:
    """The parts in rows of this many."""
    return zip(*[iter(parts)] * width, strict=True)  # equivalent: a script packs whole rows


def _packed(parts: tuple[Part, ...]) -> bytes:
    """A command in the protocol of Redis."""
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        raw = part if type(part) is bytes else str(part).encode()
        out.append(b"$%d\r\n" % len(raw))
        out.append(raw)
        out.append(_END)
    return b"".join(out)
