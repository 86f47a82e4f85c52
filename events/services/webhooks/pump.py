"""The sender of one webhook, in the elected housekeeper: many requests at once, in order for each station.

1. `take` puts events into lanes: one for each station, or one for each event where no order is wanted. A lane
   has one request at a time, the webhook at most IN_FLIGHT.
2. An event leaves its lane when it was delivered, or has a row in the log. The cursor stands before the
   oldest event that has not, so a killed process repeats some events and loses none.
3. Trouble of the endpoint (no connection, no answer in time, 5xx, 429) pauses everything; then one event is
   tried at a time until one is delivered.
4. An event that is refused (4xx) while others are delivered blocks its lane alone: it and those behind it
   become pending rows, which `_drain` sends when it is due. After the last attempt it has failed, and the
   lane goes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from events.services import envelopes
from events.services.envelopes import Content
from events.services.webhooks import attempts, schedule, store
from events.services.webhooks.attempts import Attempt
from events.services.webhooks.delivery_log import DeliveryLog
from events.services.webhooks.endpoint_health import EndpointHealth
from events.services.webhooks.schedule import Meaning
from events.services.webhooks.store import Pending, Started, Status
from ocpp_server.outbound.addresses import AddressRefused, Permission
from ocpp_server.outbound.posting import Sender
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

# Events in memory; then the webhook waits with reading.
MOST_QUEUED: Final = 500
# Replays are old: they leave the receiver time for the new events.
_REPLAY_PAUSE_S: Final = 0.05


class Pump:
    """See the module's docstring. Belongs to the event loop."""

    def __init__(self, started: Started, permission: Permission, count: Callable[[str], None]) -> None:
        self.settings = started.settings
        self.position = started.cursor
        self.health = EndpointHealth(
            failures=started.failure_count,
            failing_since=started.failing_since,
            paused_until=started.next_attempt_at,
            disable_after=store.disable_after(),
        )
        self._log = DeliveryLog(self.settings.pk)
        self._count = count
        self._last_success_at = started.last_success_at
        self._last_status: int | None = None
        self._last_error = ""
        self._skipped: dict[str, int] = {}
        self._sites: dict[int, str] = {}
        self._lanes: dict[str, deque[Content]] = {}
        self._ready: deque[str] = deque()
        # The positions of queued events, in their order.
        self._unsettled: dict[int, None] = {}
        self._blocked: dict[str, datetime] = {}
        self._behind: Counter[str] = Counter()
        self._draining: set[str] = set()
        self._is_replaying = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._refused_address = ""
        self._sender: Sender | None = None
        try:
            self._sender = Sender(self.settings.url, permission)
        except AddressRefused as error:
            self._refused_address = str(error)

    async def begin(self) -> None:
        """Load what a process before this one has left."""
        pk = self.settings.pk
        self._blocked = await journal.run(store.blocked, pk, by_station=self.settings.is_in_order)
        self._skipped = await journal.run(store.settled_after, pk, self.position)
        self._wait()

    def stop(self) -> None:
        """End all requests. Events that were under way may be sent again."""
        for task in self._tasks:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._sender is not None:
            self._sender.close()

    # -- taking events -------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        return len(self._unsettled) < MOST_QUEUED and not self.is_paused

    @property
    def is_paused(self) -> bool:
        return self.health.paused_until is not None

    def take(self, contents: list[Content], sites: dict[int, str], *, next: int, lost: int) -> None:
        """Take the events that passed the filter, which were read up to the position `next`."""
        self._sites.update(sites)
        if lost:
            self._log.add_lost(lost, next)
        for content in contents:
            if self._skipped.pop(content.id, None) is None:
                self._queue(content)
        self.position = next
        self._dispatch()

    def _queue(self, content: Content) -> None:
        lane = self._lane_of(content)
        if lane in self._blocked:
            self._put_behind(lane, content)
            return
        self._unsettled[content.position] = None
        queue = self._lanes.get(lane)
        if queue is None:
            queue = self._lanes[lane] = deque()
            self._ready.append(lane)
        queue.append(content)

    def _lane_of(self, content: Content) -> str:
        return content.station if self.settings.is_in_order and content.station else content.id

    def _put_behind(self, lane: str, content: Content) -> None:
        self._behind[lane] += 1
        self._log.add(content, "pending", 0)

    # -- sending -------------------------------------------------------------------------------------------

    def tick(self, *, has_replays: bool) -> None:
        """Send what is due by its time."""
        self._dispatch()
        if has_replays and not self._is_replaying and not self.is_paused:
            self._is_replaying = True
            self._start(self._replay())

    def _dispatch(self) -> None:
        while self._ready and self._may_send:
            lane = self._ready.popleft()
            self._start(self._deliver(lane, self._lanes[lane][0]))
        now = datetime.now(UTC)
        for lane, due in self._blocked.items():
            if not self._may_send:
                return
            if due <= now and lane not in self._draining:
                self._draining.add(lane)
                self._start(self._drain(lane))

    @property
    def _may_send(self) -> bool:
        return not self.is_paused and len(self._tasks) < self.health.limit

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            # Nothing of it was settled: the next tick sends it again.
            log.error("webhook.failed", webhook=self.settings.pk, error=repr(error))
            return
        self._dispatch()

    async def _deliver(self, lane: str, content: Content) -> None:
        queue = self._lanes[lane]
        try:
            result = await self._attempt(content)
            if result.meaning is Meaning.DELIVERED:
                self._log.add(content, "delivered", 1, result)
                queue.popleft()
                self._unsettled.pop(content.position, None)
            elif result.meaning is Meaning.REFUSED:
                self._block(lane, content, result)
        finally:
            if queue:
                self._ready.append(lane)
            else:
                del self._lanes[lane]

    async def _attempt(self, content: Content, *, is_replay: bool = False) -> Attempt:
        """Send an event. The result says REFUSED only where the event is the cause."""
        moment = self.health.moment
        if self._sender is None:
            result = Attempt(Meaning.TROUBLE, error=self._refused_address)
        else:
            result = await attempts.send(
                self._sender, self.settings, content, self._sites, is_replay=is_replay
            )
        self._count(result.meaning.value)
        now = datetime.now(UTC)
        self._last_status, self._last_error = result.status, result.error
        if result.meaning is Meaning.DELIVERED:
            self._last_success_at = now
        meaning = self.health.judge(
            content.id, result.meaning, since=moment, now=now, retry_after_s=result.retry_after_s
        )
        self._wait()
        return result._replace(meaning=meaning)

    def _wait(self) -> None:
        """Set the timer for the end of a pause."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.health.paused_until is not None:
            seconds = max(0.0, (self.health.paused_until - datetime.now(UTC)).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(seconds, self._resume)

    def _resume(self) -> None:
        self.health.paused_until = None
        self._dispatch()

    # -- refused events ------------------------------------------------------------------------------------

    def _block(self, lane: str, content: Content, result: Attempt) -> None:
        """Put an event that was refused, and those behind it, into the log."""
        self._blocked[lane] = due = self._due(1) or datetime.now(UTC)
        self._log.add(content, "pending", 1, result, due=due)
        queue = self._lanes[lane]
        self._unsettled.pop(queue.popleft().position, None)
        while queue:
            behind = queue.popleft()
            self._unsettled.pop(behind.position, None)
            self._put_behind(lane, behind)

    @staticmethod
    def _due(made: int) -> datetime | None:
        """The time of the next attempt of a refused event; None after the last one."""
        pause = schedule.event_pause_s(made)
        return None if pause is None else datetime.now(UTC) + timedelta(seconds=pause)

    async def _drain(self, lane: str) -> None:
        """Send the pending events of a lane that is due, the oldest first, until one is refused again."""
        try:
            while True:
                await self.flush()
                behind = self._behind[lane]
                rows = await journal.run(store.pending, self.settings.pk, lane)
                if not rows and self._behind[lane] == behind:
                    del self._blocked[lane], self._behind[lane]
                    return
                for pending, content in await self._known(rows):
                    result = await self._attempt(content)
                    if result.meaning is Meaning.TROUBLE:
                        return
                    due = self._log_again(pending, content, result)
                    if due is not None:
                        self._blocked[lane] = due
                        return
        finally:
            self._draining.discard(lane)

    async def _replay(self) -> None:
        """Send replays in the order of their positions."""
        try:
            while True:
                await self.flush()
                rows = await journal.run(store.replays, self.settings.pk, datetime.now(UTC))
                if not rows:
                    return
                for pending, content in await self._known(rows):
                    result = await self._attempt(content, is_replay=True)
                    if result.meaning is Meaning.TROUBLE:
                        return
                    self._log_again(pending, content, result)
                    await asyncio.sleep(_REPLAY_PAUSE_S)
        finally:
            self._is_replaying = False

    def _log_again(self, pending: Pending, content: Content, result: Attempt) -> datetime | None:
        """Log a further attempt. Returns when the next one is due, if the event was refused again."""
        made, is_replay = pending.attempts + 1, pending.row.is_replay
        if result.meaning is Meaning.DELIVERED:
            self._log.add(content, "delivered", made, result, is_replay=is_replay)
            return None
        due = self._due(made)
        state = "failed" if due is None else "pending"
        self._log.add(content, state, made, result, due=due, is_replay=is_replay)
        return due

    async def _known(self, rows: list[Pending]) -> list[tuple[Pending, Content]]:
        """The deliveries whose events still exist, with their events; the others expire."""
        gone = [pending.row for pending in rows if pending.content is None]
        if gone:
            await journal.run(store.expire, gone)
        kept = [pending for pending in rows if pending.content is not None]
        contents = [pending.content for pending in kept if pending.content is not None]
        self._sites.update(await journal.run(envelopes.site_names, contents))
        if self.settings.has_personal_data:
            contents = await journal.run(envelopes.with_whole_tokens, contents)
        return list(zip(kept, contents, strict=True))

    # -- the log -------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """Everything up to this position was delivered, or has a row in the log."""
        return next(iter(self._unsettled)) - 1 if self._unsettled else self.position

    async def flush(self) -> bool:
        """Write the log and the webhook's columns. Returns False when the webhook was deleted."""
        return await self._log.flush(
            Status(
                self.cursor,
                "failing" if self.health.is_failing(datetime.now(UTC)) else "active",
                self.health.failures,
                self.health.failing_since,
                self.health.paused_until,
                self._last_success_at,
                self._last_status,
                self._last_error[:255],
            )
        )
