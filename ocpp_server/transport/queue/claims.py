"""The claims of this processor on stations, in Redis: claim, renew, commit, release.

Commits that arrive during a call to Redis go together with the next call, so a batch of the journal costs
one.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.live.redis.wire import Part, parts_of, rows_of
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.queue.keys import script
from ocpp_server.transport.queue.redis import QueueRedis
from ocpp_server.transport.queue.station import Outcome

log = structlog.get_logger(__name__)

# A claim that is not renewed for this long expires. Then any processor may claim the station.
CLAIM_MS = 10_000
# For this long a due station is reserved for the processor that has loaded it.
RESERVED_MS = 30
STATIONS_A_CLAIM = 50
STATIONS_A_COMMIT = 100

_CLAIM, _COMMIT, _RELEASE, _RENEW = (
    script("queued_commands", name) for name in ("claim", "commit", "release", "renew")
)


@dataclass(slots=True)
class Claim:
    """A station that this processor may handle, and the head of its queue. `session_id` and `channel` belong
    to its current connection.
    """

    key: bytes
    epoch: int
    attempts: int
    session_id: str
    channel: str
    settles_at: str
    head: bytes

    @property
    def identity(self) -> str:
        return self.key.decode("utf-8", "replace")


class Fenced(Exception):
    """Another processor has claimed the station: the loaded state may be outdated."""


class Claims:
    """Belongs to one event loop."""

    def __init__(self, redis: QueueRedis, processor: str) -> None:
        self._redis = redis
        self._processor = processor
        self._waiting: list[tuple[list[Part], asyncio.Future[tuple[bytes, ...]]]] = []
        self._committing: asyncio.Task[None] | None = None
        # Claims to release as soon as Redis is back.
        self._unreleased: dict[bytes, int] = {}

    async def take(self, count: int, *, within: float = 0.0) -> tuple[int, list[Claim]]:
        """Wait for a wake-up, at most `within` seconds, then claim the stations that have been due longest.

        Returns the number of due stations that are reserved for other processors, and the claims. Raises
        LiveStateUnavailable; stations that Redis has assigned by then are due again after CLAIM_MS.
        """
        keys = self._redis.keys
        lists = (keys.wakeups_of(self._processor), keys.wakeups)
        text = await self._redis.run_after_wakeup(
            _CLAIM, self._processor, CLAIM_MS, count, RESERVED_MS, lists=lists, within=within
        )
        left, *taken = parts_of(text)
        return int(left), [
            Claim(
                key,
                int(epoch),
                int(attempts),
                session_id.decode("utf-8", "replace"),
                channel.decode("utf-8", "replace"),
                settles_at.decode(),
                head,
            )
            for key, epoch, attempts, session_id, channel, settles_at, head in rows_of(taken, 7)
        ]

    async def commit(self, claim: Claim, outcome: Outcome, *, goes_on: bool) -> bytes | None:
        """Push the answers and remove the head. Returns the next head, if there is one and `goes_on` is set.

        Raises Fenced, and LiveStateUnavailable when it is unknown whether Redis ran the step. Such a step
        must not be repeated: it could remove another head.
        """
        future: asyncio.Future[tuple[bytes, ...]] = asyncio.get_running_loop().create_future()
        request: list[Part] = [
            claim.key,
            claim.epoch,
            outcome.session_id,
            "1" if goes_on else "",
            outcome.ends,
            outcome.settles,
            outcome.letter,
            len(outcome.answers),
            *outcome.answers,
        ]
        self._waiting.append((request, future))
        if self._committing is None:
            self._committing = asyncio.get_running_loop().create_task(self._commit_all())
        result, head, sent = await future
        if result == b"fenced":
            raise Fenced
        if sent:
            await self._note_sent(sent.decode())
        return head if result == b"next" else None

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:STATIONS_A_COMMIT], self._waiting[STATIONS_A_COMMIT:]
                await self._commit_some(batch)
        finally:
            self._committing = None

    async def _commit_some(self, batch: list[tuple[list[Part], asyncio.Future[tuple[bytes, ...]]]]) -> None:
        parts = [part for request, _ in batch for part in request]
        try:
            text = await self._redis.run(_COMMIT, self._processor, CLAIM_MS, *parts)
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, LiveStateUnavailable):
                log.exception("processor.commit_failed", stations=len(batch))
            return
        results = rows_of(parts_of(text), 3)
        for (_, future), result in zip(batch, results, strict=True):  # equivalent: the script returns as many
            if not future.done():
                future.set_result(result)

    @staticmethod
    async def _note_sent(message_id: str) -> None:
        try:
            await journal.run(command_store.port.app.mark_sent, message_id, datetime.now(UTC))
        except StorageUnavailable as error:
            # Only the time of sending is lost: the result of the command is stored later.
            log.warning("command.sent_unrecorded", message_id=message_id, error=str(error))

    async def give_back(self, claim: Claim, *, after_s: float, is_attempt: bool) -> None:
        """Release the station. The head stays in the queue, for a later attempt of any processor."""
        delay_ms = int(after_s * 1000)
        try:
            await self._redis.run(
                _RELEASE, self._processor, claim.key, claim.epoch, delay_ms, "" if is_attempt else "1"
            )
        except LiveStateUnavailable:
            self._unreleased[claim.key] = claim.epoch

    async def renew(self, claims: list[Claim]) -> list[Claim]:
        """Renew claims. Returns the ones that are lost. Raises LiveStateUnavailable."""
        pairs = [part for claim in claims for part in (claim.key, claim.epoch)]
        states = await self._redis.run(_RENEW, self._processor, CLAIM_MS, *pairs)
        unreleased, self._unreleased = self._unreleased, {}
        if unreleased:
            parts = [part for key, epoch in unreleased.items() for part in (key, epoch, 0, "1")]
            try:
                await self._redis.run(_RELEASE, self._processor, *parts)
            except LiveStateUnavailable:
                self._unreleased = unreleased | self._unreleased
                raise
        pairs_of = zip(claims, states, strict=True)  # equivalent: the script returns as many
        return [claim for claim, state in pairs_of if state != ord("k")]

    async def wake(self) -> None:
        """Wake up the `take` of this processor."""
        with contextlib.suppress(LiveStateUnavailable):
            # Without Redis, `take` does not wait.
            await self._redis.call("LPUSH", self._redis.keys.wakeups_of(self._processor), "1")

    async def resign(self) -> None:
        """Leave the list of processors."""
        keys = self._redis.keys
        try:
            await self._redis.call("ZREM", keys.processors, self._processor)
            await self._redis.call("DEL", keys.wakeups_of(self._processor))
        except LiveStateUnavailable as error:
            log.warning("processor.not_resigned", error=str(error))
