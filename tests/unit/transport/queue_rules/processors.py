"""A processor handles the messages of many stations: when it claims, releases, renews and pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.processor import Processor
from ocpp_server.transport.queue.station import Outcome
from tests.unit.transport.queue_rules.redis_double import RedisDouble, requests


class StationsDouble:
    """Handles a head by a function of the test, and notes what is forgotten."""

    def __init__(self) -> None:
        self.heads: list[tuple[str, bytes, int]] = []
        self.forgotten: list[bytes] = []
        self.claims: list[Claim] = []
        self.working: list[set[bytes]] = []
        self.are_all_forgotten = False
        self.does: Callable[[Claim], Awaitable[None]] | None = None
        self.at_end: Callable[[], None] = lambda: None

    def claimed(self, claim: Claim) -> None:
        self.claims.append(claim)

    def forget(self, key: bytes) -> None:
        self.forgotten.append(key)

    async def handle(self, claim: Claim) -> Outcome:
        self.heads.append((claim.identity, claim.head, claim.attempts))
        if self.does is not None:
            await self.does(claim)
        return Outcome()

    async def forget_old(self, working: set[bytes]) -> None:
        self.working.append(working)

    async def forget_all(self) -> None:
        self.are_all_forgotten = True
        self.at_end()


class Running(SimpleNamespace):
    """A processor that runs, and everything around it."""

    redis: RedisDouble
    stations: StationsDouble
    processor: Processor
    loop: asyncio.AbstractEventLoop
    began: float

    @property
    def now(self) -> float:
        return round(self.loop.time() - self.began, 2)


def next_unless_over(*arguments: Any) -> Any:
    return [[b"next" if request[3] else b"done", b"h", b""] for request in requests(arguments)]
