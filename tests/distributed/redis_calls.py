"""Fails the n-th call of one process to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError

from ocpp_server.live.redis.link import Link


class Fault(Enum):
    """The fault of the selected call."""

    # It and all calls after it fail, until the injector is disarmed.
    AWAY = "away"
    ONCE = "once"
    # Redis carries it out; the connection breaks before the answer.
    LOST = "lost"
    LOST_ONCE = "lost once"


class RedisCalls:
    """Stands between a process and its two ways to Redis, the client library and the live state's own
    connection, and counts commands, scripts and pipelines.

    The calls of the task that listens are not counted: they come by the clock. They fail with the others.
    """

    def __init__(self, link: Link) -> None:
        self.place = ""
        self._link = link
        self._left = 0
        self._fault: Fault | None = None
        client: Any = link.redis
        execute, pipeline = client.execute_command, client.pipeline
        wire: Any = link.wire
        ask, ask_all = wire._ask, wire.call_all

        async def counted(*words: Any, **options: Any) -> Any:
            return await self._call(str(words[0]), lambda: execute(*words, **options))

        def counted_pipeline(**options: Any) -> Any:
            made = pipeline(**options)
            run = made.execute

            async def execute_all() -> Any:
                words = " ".join(str(command[0][0]) for command in made.command_stack)
                return await self._call(f"pipeline {words}", run)

            made.execute = execute_all
            return made

        async def counted_ask(*commands: Any, **options: Any) -> Any:
            return await self._call(str(commands[-1][0]), lambda: ask(*commands, **options))

        async def counted_ask_all(commands: Any) -> Any:
            words = " ".join(str(command[0]) for command in commands)
            return await self._call(f"pipeline {words}", lambda: ask_all(commands))

        client.execute_command, client.pipeline = counted, counted_pipeline
        wire._ask, wire.call_all = counted_ask, counted_ask_all

    @contextmanager
    def failing(self, number: int, fault: Fault) -> Iterator[None]:
        """Fail the n-th call. `place` names it; empty: there was none."""
        self.place, self._left, self._fault = "", number, fault
        try:
            yield
        finally:
            self._fault = None

    async def _call(self, words: str, run: Callable[[], Awaitable[Any]]) -> Any:
        fault = self._fault
        if fault is None:
            return await run()
        if self.place:
            if fault in (Fault.AWAY, Fault.LOST):
                raise RedisConnectionError("made by the test")
            return await run()
        if asyncio.current_task() is self._link._task:
            return await run()
        self._left -= 1
        if self._left:
            return await run()
        self.place = words
        if fault in (Fault.LOST, Fault.LOST_ONCE):
            await run()
        raise RedisConnectionError("made by the test")
