"""The processor: handles the messages of stations at gateways, many stations at once, each in order.

1. `_claim_all` claims the stations that are due, for CLAIM_MS; `_renew` keeps the claims.
2. `_work` handles the messages of one station, up to MESSAGES_A_CLAIM of them.
3. `_one` handles the head of its queue: the database commits first, then one step in Redis pushes the answer
   and removes the head, unless another processor has claimed the station meanwhile.

When a processor dies after the database commit, another one handles the message again, and the handlers
detect that it is already stored.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
import uuid
from collections.abc import Callable, Coroutine

import structlog
from django.conf import settings

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.queue import queued_commands
from ocpp_server.transport.queue.claims import STATIONS_A_CLAIM, Claim, Claims, Fenced
from ocpp_server.transport.queue.legacy_gateway import LegacyGateways
from ocpp_server.transport.queue.redis import QueueRedis
from ocpp_server.transport.queue.stations import Stations

log = structlog.get_logger(__name__)

# How many stations are handled at once; the journal writes their messages together.
MAX_AT_ONCE = 200
# After this many messages a station is released, so that others are handled.
MESSAGES_A_CLAIM = 32
# The pause between two claims under load: the next one also gets the stations that become due meanwhile.
PAUSE_S = 0.002
# How long to wait for a wake-up: when no station is due, and when stations are reserved for other processors.
IDLE_S, RESERVED_S = 1.0, 0.05
REDIS_RETRY_S = 0.2
# The pause after an error that has ended the service for legacy gateways.
LEGACY_RETRY_S = 1.0
RENEW_S = 3.0
FORGET_S = 10.0
# How often dead gateways are detected. Gateways detect each other; processors do it in case none is left.
GATEWAYS_S = 3.0
# A message that takes longer counts as stuck: its claim is not renewed, so another processor can try.
STUCK_S = 120.0
# The pause while the database is unavailable, varied at random so that the stations are not due all at once.
STORAGE_RETRY_S = 2.0
# The pause after a failed attempt, multiplied by the number of attempts.
ATTEMPT_RETRY_S = 0.2


class _Work:
    """A claim that is being handled: `since` when (monotonic seconds), and the event that it has `ended`."""

    __slots__ = ("claim", "ended", "since")

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.since = time.monotonic()
        self.ended = asyncio.Event()


Chore = Callable[[], Coroutine[None, None, float | None]]


class Processor:
    """Claims stations and handles their messages. Belongs to one event loop."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex}"
        self._redis = QueueRedis()
        self._claims = Claims(self._redis, self.name)
        self._legacy = LegacyGateways(self._redis) if settings.TRANSPORT_COMPAT else None
        self._stations = Stations(self._redis, self._legacy)
        self._working: dict[bytes, _Work] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_room = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Handle messages until `stop` is set, then finish the current ones and release their stations. The
        engine must be running.
        """
        loop = asyncio.get_running_loop()
        chores = [
            loop.create_task(self._repeat(chore, every))
            for chore, every in (
                (self._renew, RENEW_S),
                (self._forget_old, FORGET_S),
                (self._sweep, queued_commands.LATEST_S),
                (self._sweep_gateways, GATEWAYS_S),
            )
        ]
        if self._legacy is not None:
            chores.append(loop.create_task(self._repeat(self._legacy.run, LEGACY_RETRY_S)))
        claiming = loop.create_task(self._claim_all())
        log.info("processor.started", processor=self.name)
        try:
            await stop.wait()
        finally:
            self._stopping.set()
            await self._claims.wake()
            await claiming
            if self._tasks:
                await asyncio.wait(self._tasks)
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await self._stations.forget_all()
            await self._claims.resign()
            self._redis.close()
            log.info("processor.stopped", processor=self.name)

    # -- claiming ---------------------------------------------------------------------------------

    async def _claim_all(self) -> None:
        asked_at = wait = 0.0
        is_away = False
        while not self._stopping.is_set():
            room = min(MAX_AT_ONCE - len(self._working), STATIONS_A_CLAIM)
            if room <= 0:
                self._has_room.clear()
                await self._has_room.wait()
                continue
            await asyncio.sleep(max(0.0, asked_at + PAUSE_S - time.monotonic()))
            try:
                left, claims = await self._claims.take(room, within=wait)
            except LiveStateUnavailable as error:
                if not is_away:
                    log.error("processor.redis_away", error=str(error))
                wait, is_away = 0.0, True
                await asyncio.sleep(REDIS_RETRY_S)
                continue
            asked_at, is_away = time.monotonic(), False
            for claim in claims:
                if self._stopping.is_set():
                    await self._claims.give_back(claim, after_s=0, is_attempt=False)
                else:
                    self._begin(claim)
            wait = 0.0 if len(claims) == room else RESERVED_S if left else IDLE_S

    def _begin(self, claim: Claim) -> None:
        before = self._working.get(claim.key)
        work = self._working[claim.key] = _Work(claim)
        task = asyncio.get_running_loop().create_task(self._work(work, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- handling ---------------------------------------------------------------------------------

    async def _work(self, work: _Work, before: _Work | None) -> None:
        claim = work.claim
        try:
            if before is not None:
                # The previous task of this station is ending, or its claim has expired and Redis will fence
                # it.
                await before.ended.wait()
            self._stations.claimed(claim)
            for left in reversed(range(MESSAGES_A_CLAIM)):
                head = await self._one(claim, goes_on=left > 0 and not self._stopping.is_set())
                if head is None:
                    return
                claim.head, claim.attempts = head, 1
        finally:
            work.ended.set()
            if self._working.get(claim.key) is work:
                del self._working[claim.key]
            self._has_room.set()

    async def _one(self, claim: Claim, *, goes_on: bool) -> bytes | None:
        """Handle the head and commit it. Returns the next head, None when this claim is over."""
        try:
            outcome = await self._stations.handle(claim)
            return await self._claims.commit(claim, outcome, goes_on=goes_on)
        except Fenced:
            log.warning("processor.fenced", station=claim.identity)
            self._stations.forget(claim.key)
        except StorageUnavailable as error:
            # The station gets no answer. A later attempt detects a message that is already stored.
            log.warning("processor.unstored", station=claim.identity, error=str(error))
            self._stations.forget(claim.key)
            seconds = 0.0 if isinstance(error, LiveStateUnavailable) else _storage_pause()
            await self._claims.give_back(claim, after_s=seconds, is_attempt=False)
        except Exception:
            log.exception("processor.failed", station=claim.identity, attempt=claim.attempts)
            self._stations.forget(claim.key)
            await self._claims.give_back(claim, after_s=ATTEMPT_RETRY_S * claim.attempts, is_attempt=True)
        return None

    # -- chores -----------------------------------------------------------------------------------

    async def _repeat(self, chore: Chore, every: float) -> None:
        while True:
            wait: float | None = None
            try:
                wait = await chore()
            except StorageUnavailable as error:
                log.warning("processor.chore_waits", chore=chore.__name__, error=str(error))
            except Exception:
                log.exception("processor.chore_failed", chore=chore.__name__)
            await asyncio.sleep(every if wait is None else wait)

    async def _renew(self) -> None:
        stuck = time.monotonic() - STUCK_S
        claims = [work.claim for work in self._working.values() if work.since > stuck]
        for claim in await self._claims.renew(claims):
            log.warning("processor.claim_lost", station=claim.identity)

    async def _forget_old(self) -> None:
        await self._stations.forget_old(set(self._working))

    async def _sweep_gateways(self) -> None:
        await self._redis.sweep()

    async def _sweep(self) -> float:
        return await queued_commands.sweep(self._redis)


def _storage_pause() -> float:
    """The seconds to wait for the database, varied at random."""
    return STORAGE_RETRY_S * random.uniform(0.5, 1.5)  # noqa: S311
