"""The connection of one process to Redis: commands, news, a tick, and reconnecting after an outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
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
from ocpp_server.live.redis.wire import TIMEOUT_S, Wire

log = structlog.get_logger(__name__)

TICK_S = 1.0
CONNECTIONS = 32
# After this time without news, send a PING to check the connection.
QUIET_S = 5.0
RETRY_S = (0.1, 0.2, 0.5, 1.0)
CANCEL_AGAIN_S = 0.5  # equivalent: any short time will do
# uvloop raises RuntimeError for a connection that was closed before anything was written to it.
AWAY = (RedisError, OSError, TimeoutError, RuntimeError)


class Link:
    """Sends commands, and runs one task that receives the news.

    The task awaits `up` after every (re)subscription, before any news, to read the changes missed in between.
    It calls `news` with every message and awaits `tick` about every second. When one of them fails, also
    because Redis refuses to write, the task subscribes again.
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
            # A command on an idle connection that was lost is retried once on a new one; a command that timed
            # out is not sent twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self.redis: Redis = Redis.from_pool(pool)
        # For what is sent all the time.
        self.wire = Wire()
        self._channel = channel
        self._up, self._news, self._tick = up, news, tick
        self._task: asyncio.Task[None] | None = None
        # Since when news arrive without a gap (monotonic seconds); None during an outage.
        self.up_since: float | None = None
        # Since when the outage lasts; None without one. Both are None before the first subscription.
        self.down_since: float | None = None
        self.error = ""

    async def start(self) -> None:
        """Subscribe, and start the task. Raises LiveStateUnavailable."""
        pubsub = await self.attempt(self._subscribe())
        self._task = asyncio.get_running_loop().create_task(self._run(pubsub))

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await end_tasks([task])
        self.wire.close()
        await self.redis.aclose()

    # -- commands -------------------------------------------------------------------------------

    async def run(self, script: Script, keys: list[str], *arguments: str | int) -> Any:
        """The script's result. Raises LiveStateUnavailable."""
        return await self.attempt(self._run_script(script, keys, arguments))

    async def _run_script(self, script: Script, keys: list[str], arguments: tuple[str | int, ...]) -> Any:
        try:
            return await self.redis.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.redis.eval(script.text, len(keys), *keys, *arguments)

    async def attempt(self, command: Awaitable[Any]) -> Any:
        """A command's result. Raises LiveStateUnavailable when Redis is away or refuses it."""
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
            # `tick` writes: a Redis that can only be read counts as away too. Checking it here keeps the
            # pauses between two attempts growing.
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
                    # The former master is now a replica: its host name may already resolve to the new master.
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
        received_at = pinged_at = time.monotonic()
        next_tick = received_at + TICK_S
        while True:
            message = await pubsub.get_message(timeout=max(0.0, next_tick - time.monotonic()) + 0.001)
            now = time.monotonic()
            if message is not None:
                received_at = now
                if message["type"] == "message":
                    self._news(message["data"])
                elif message["type"] == "subscribe":
                    # The client has reconnected by itself: news were missed, or this is another Redis.
                    raise RedisConnectionError("Redis closed the connection.")
            elif now - received_at > QUIET_S:
                if pinged_at > received_at and now - pinged_at > QUIET_S:
                    raise TimeoutError("Redis did not answer a PING")
                if pinged_at <= received_at:
                    pinged_at = now
                    await pubsub.ping()
            if now >= next_tick:
                await self._tick()
                next_tick = time.monotonic() + TICK_S


async def end_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks that use Redis, and wait until they have ended."""
    while pending := [task for task in tasks if not task.done()]:
        # Repeated, because the client can lose a cancellation, for example when a read times out.
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


def reason_of(error: BaseException) -> str:
    """A sentence about an error of Redis."""
    what = "refuses the command" if isinstance(error, ResponseError) else "can't be reached"
    return f"Redis {what} ({str(error) or type(error).__name__})."
