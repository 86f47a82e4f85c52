"""The connection of one process to Redis: commands, news, a tick, and coming back after an outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, RedisError, ResponseError

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis.keys import Script

log = structlog.get_logger(__name__)

# Redis answers in less than a millisecond; one that takes this long counts as away.
TIMEOUT_S = 2.0
TICK_S = 1.0
CONNECTIONS = 32
# After this long without news, check whether the connection is alive.
QUIET_S = 5.0
RETRY_S = (0.1, 0.2, 0.5, 1.0)
# uvloop raises RuntimeError for a connection that was closed before anything was written to it.
AWAY = (RedisError, OSError, TimeoutError, RuntimeError)


class Link:
    """Sends commands, and runs one task that receives the news.

    `up` is awaited after every (re)subscription, before any news: what was missed in between has to be read.
    `news` gets every message, `tick` is awaited about every second. When one of them fails, also because
    Redis answers and refuses to write: subscribe again.
    """

    def __init__(
        self,
        url: str,
        channel: str,
        *,
        up: Callable[[], Awaitable[None]],
        news: Callable[[str], None],
        tick: Callable[[], Awaitable[None]],
    ) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            socket_keepalive=True,
            # When a whole depot reconnects at once, callers wait for a free connection instead of failing.
            max_connections=CONNECTIONS,
            timeout=2 * TIMEOUT_S,
            # A connection that died while it was idle is opened again unnoticed; a command that got no answer
            # in time is not sent twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self.redis: Redis = Redis.from_pool(pool)
        self._channel = channel
        self._up, self._news, self._tick = up, news, tick
        self._task: asyncio.Task[None] | None = None
        # Since when news arrive without a gap (monotonic seconds); None while they don't.
        self.up_since: float | None = None
        # Since when they don't, while they don't; both are None before the first time.
        self.down_since: float | None = None
        self.error = ""

    async def start(self) -> None:
        """Returns when subscribed. Raises LiveStateUnavailable."""
        pubsub = await self._attempt(self._subscribe())
        self._task = asyncio.get_running_loop().create_task(self._run(pubsub))

    async def stop(self) -> None:
        task, self._task = self._task, None
        while task is not None and not task.done():
            # More than once: a cancellation that meets the end of a read's own timeout is lost in the client.
            task.cancel()
            await asyncio.wait([task], timeout=0.5)
        await self.redis.aclose()

    # -- commands -------------------------------------------------------------------------------

    async def run(self, script: Script, keys: list[str], *arguments: str | int) -> Any:
        """The script's result. Raises LiveStateUnavailable."""
        return await self._attempt(self._run_script(script, keys, arguments))

    async def _run_script(self, script: Script, keys: list[str], arguments: tuple[str | int, ...]) -> Any:
        try:
            return await self.redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.redis.eval(script.text, len(keys), *keys, *arguments)

    async def attempt(self, command: Awaitable[Any]) -> Any:
        """A command's result. Raises LiveStateUnavailable when Redis is away or refuses it."""
        return await self._attempt(command)

    async def _attempt(self, command: Awaitable[Any]) -> Any:
        try:
            return await command
        except AWAY as error:
            self.error = str(error) or type(error).__name__
            raise LiveStateUnavailable(reason_of(error)) from error

    # -- the task that listens --------------------------------------------------------------------

    async def _subscribe(self) -> PubSub:
        pubsub = self.redis.pubsub()
        try:
            await pubsub.subscribe(self._channel)
            # Redis has confirmed the subscription: data read from now on cannot have missed news.
            if await pubsub.get_message(timeout=TIMEOUT_S) is None:
                raise TimeoutError("no answer to SUBSCRIBE")
            await self._up()
            # It writes: a Redis that only answers what is read is away too, and is not asked ten times a
            # second whether it still is.
            await self._tick()
        except BaseException:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
            raise
        self.up_since, self.down_since = time.monotonic(), None
        self.error = ""
        return pubsub

    async def _run(self, pubsub: PubSub | None) -> None:
        failures = 0
        while True:
            try:
                if pubsub is None:
                    pubsub = await self._subscribe()
                    log.info("redis.back", after_failures=failures)
                failures = 0
                await self._listen(pubsub)
            except (*AWAY, LiveStateUnavailable) as error:
                cause = error.__cause__ or error
                self.error = str(cause) or type(cause).__name__
                if not failures:
                    log.error("redis.away", error=self.error)
                if isinstance(cause, ReadOnlyError):
                    # The former master is a replica now: its name may resolve to the new master already.
                    await self.redis.connection_pool.disconnect(inuse_connections=False)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self.error = str(error) or type(error).__name__
                log.exception("redis.link_failed")
            finally:
                self.up_since = None
                self.down_since = self.down_since or time.monotonic()
                if pubsub is not None:
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
                    pubsub = None
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
            failures += 1

    async def _listen(self, pubsub: PubSub) -> None:
        heard = asked = time.monotonic()
        next_tick = heard + TICK_S
        while True:
            message = await pubsub.get_message(timeout=max(0.0, next_tick - time.monotonic()) + 0.001)
            now = time.monotonic()
            if message is not None:
                heard = now
                if message["type"] == "message":
                    self._news(message["data"])
                elif message["type"] == "subscribe":
                    # The client has reconnected by itself: news was missed, or this is another Redis.
                    raise RedisConnectionError("Redis closed the connection.")
            elif now - heard > QUIET_S:
                if asked > heard and now - asked > QUIET_S:
                    raise TimeoutError("nothing was heard of Redis")
                if asked <= heard:
                    asked = now
                    await pubsub.ping()
            if now >= next_tick:
                await self._tick()
                next_tick = time.monotonic() + TICK_S


def reason_of(error: BaseException) -> str:
    """The trouble with Redis, as a sentence."""
    what = "refuses the command" if isinstance(error, ResponseError) else "can't be reached"
    return f"Redis {what} ({str(error) or type(error).__name__})."
