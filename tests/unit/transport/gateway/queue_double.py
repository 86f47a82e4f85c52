"""Stands for the queue of a gateway: it notes each call and returns what the test has prepared.

The scripts themselves run against a real Redis in `tests/unit/transport/queue`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ocpp_server.transport.queue.gateway_side import Batch, Taken


class QueueDouble:
    """`steps` has each call, `times` when it was made."""

    def __init__(self) -> None:
        self.steps: list[tuple[Any, ...]] = []
        self.times: list[float] = []
        # The replies to the next calls of each kind; an exception is raised.
        self.replies: dict[str, list[Any]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self._stepped = asyncio.Event()

    def of(self, kind: str) -> list[Any]:
        return [step[1] for step in self.steps if step[0] == kind]

    async def until(self, calls: int) -> None:
        while len(self.steps) < calls:
            self._stepped.clear()
            await self._stepped.wait()

    async def push(self, _wire: Any, batches: Sequence[Batch]) -> list[int]:
        return list(await self._reply("push", list(batches), [1] * len(batches)))

    async def close(self, _wire: Any, ended: Sequence[tuple[str, str, str, str]]) -> int:
        return int(await self._reply("close", list(ended), len(ended)))

    async def take(self, _wire: Any, number: int, also: Sequence[str], *, block_s: float) -> list[Taken]:
        found = await self._reply("take", (number, list(also), block_s), None)
        if found is None:
            await asyncio.sleep(block_s)
        return found or []

    async def restore(self, source: Any) -> bool:
        return bool(await self._reply("restore", source.identity, True))

    async def _reply(self, kind: str, what: Any, usual: Any) -> Any:
        self.steps.append((kind, what))
        self.times.append(asyncio.get_running_loop().time())
        self._stepped.set()
        await self.gate.wait()
        waiting = self.replies.get(kind, [])
        reply = waiting.pop(0) if waiting else usual
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def waits(self) -> list[float]:
        """The seconds between two calls, in hundredths."""
        return [round(later - before, 2) for before, later in zip(self.times, self.times[1:], strict=False)]
