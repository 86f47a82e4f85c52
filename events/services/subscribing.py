"""One client of the stream of events: what it missed, then new events, heartbeats, and its end.

1. Events after its position are read in pages until it has caught up with the tail of this process.
2. Then the tail offers new events. They wait in a buffer of limited size while the client reads slowly.
3. A comment every HEARTBEAT_S keeps proxies from cutting the connection. When nothing passed the filters for
   QUIET_S, the position is sent alone, so that the client resumes there.

Each stream ends after about an hour, at a shutdown, and when its caller loses access. The client connects
again and continues after the last id that it has received.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog
from django.db import Error as DatabaseError

from events.services import reading
from events.services.places import places
from events.services.selecting import Selection
from events.services.tail import Passed, recorded, tail, threads
from ocpp_server import sites
from ocpp_server.bounds.streaming import cut
from ocpp_server.observability.measures import Tally
from ocpp_server.transport import shutdown

log = structlog.get_logger(__name__)

# The first bytes of each stream: after how many milliseconds a client connects again.
GREETING: Final = b"retry: 3000\n: connected\n\n"
RESET: Final = "stream.reset"
# Proxies cut a connection after 30 to 60 s without data.
HEARTBEAT_S: Final = 15.0
QUIET_S: Final = 60.0
# How often the server checks that the caller may still read events.
CHECK_S: Final = 60.0
# The longest life of a stream, with jitter so that clients do not return at the same time.
LIFETIME_S: Final = 3600.0
JITTER: Final = 0.1
# The bounds of what waits for a client that reads slowly.
MAX_WAITING: Final = 1000
MAX_WAITING_BYTES: Final = 1 << 20
PAGE: Final = 200
# How long a stream that ends may still send what waits.
_FLUSH_S: Final = 1.0

SLOW, SHUTDOWN, LIFETIME, REVOKED, AWAY = "slow", "shutdown", "lifetime", "revoked", "database-away"
GONE: Final = "client"

# The ended streams of this process, by reason.
ended = Tally("reason", awaited=((SLOW,),))


@dataclass(eq=False)
class Subscriber:
    """A stream to one client. `position` is the last one that was read for it."""

    selection: Selection
    position: int
    caller: str
    # Whether the caller may still read events; it may use the database.
    is_allowed: Callable[[], bool]
    # Whether it gets whole uids of tokens.
    sees_tokens: bool = False
    reason: str = ""
    _waiting: deque[bytes] = field(default_factory=deque)
    _size: int = 0
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    # The last position that was sent to the client.
    _known: int = 0
    _sent_at: float = 0.0
    _event_at: float = 0.0

    # -- as the tail uses it -----------------------------------------------------------------------------

    def offer(self, passed: Sequence[Passed]) -> None:
        if self.reason:
            return  # later events may come after a gap
        for one in passed:
            if one.position > self.position and self.selection.matches(one.event):
                self._waiting.append(record := self._record(one))
                self._size += len(record)
        self.position = max(self.position, passed[-1].position)
        if len(self._waiting) > MAX_WAITING or self._size > MAX_WAITING_BYTES:
            self.end(SLOW)
        elif self._waiting:
            self._woken.set()

    def end(self, reason: str) -> None:
        """End the stream soon; the first reason counts."""
        self.reason = self.reason or reason
        self._woken.set()
        self._ended.set()

    # -- as the server runs it ---------------------------------------------------------------------------

    async def run(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        writing = asyncio.ensure_future(self._write(send))
        gone = asyncio.ensure_future(_disconnected(receive))
        ending = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((writing, gone, ending), return_when=asyncio.FIRST_COMPLETED)
            if not writing.done() and not gone.done() and self.reason != SLOW:
                await asyncio.wait((writing, gone), timeout=_FLUSH_S, return_when=asyncio.FIRST_COMPLETED)
            is_stuck = not writing.done() and not gone.done()
        finally:
            tail.remove(self)
            for task in (writing, gone, ending):
                task.cancel()
            await asyncio.gather(writing, gone, ending, return_exceptions=True)
        if not writing.cancelled() and (error := writing.exception()) is not None:
            log.error("events.stream_failed", exc_info=error)
        ended.add(self.reason or GONE)
        if is_stuck:
            cut(scope)

    def close(self) -> None:
        places.leave(self.caller)

    async def _write(self, send: Any) -> None:
        clock = asyncio.get_running_loop().time
        ends_at = clock() + LIFETIME_S * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        check_at = clock() + CHECK_S
        self._known, self._sent_at, self._event_at = self.position, clock(), clock()
        await self._catch_up(send)
        while not self.reason:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(self._sent_at + HEARTBEAT_S, check_at, ends_at)):
                    await self._woken.wait()
            self._woken.clear()
            await self._send(send, self._take() or self._heartbeat())
            if clock() >= ends_at:
                self.end(LIFETIME)
            elif clock() >= check_at:
                check_at = clock() + CHECK_S
                await self._check()
        await self._send(send, self._take())

    async def _catch_up(self, send: Any) -> None:
        """Send what was missed, until the tail offers the rest."""
        is_first = True
        while not self.reason:
            if shutdown.is_under_way():
                self.end(SHUTDOWN)
                return
            try:
                page, passed = await threads.run(self._read)
            except DatabaseError as error:
                log.warning("events.unread", error=str(error))
                self.end(AWAY)
                return
            if page.gap and is_first:
                await self._send(send, _reset(self.position, page.start))
            is_first = False
            self.position = page.next
            if passed:
                self._known = passed[-1].position
                await self._send(send, b"".join(map(self._record, passed)))
            if not page.more and tail.add(self):
                return

    def _read(self) -> tuple[reading.Page, list[Passed]]:
        with sites.limited_to(self.selection.limited_to):
            page = reading.read(self.position, limit=PAGE, conditions=self.selection.conditions)
        return page, recorded(page.events, with_tokens=self.sees_tokens)

    def _record(self, one: Passed) -> bytes:
        return one.whole if self.sees_tokens else one.record

    async def _check(self) -> None:
        try:
            if not await threads.run(self.is_allowed):
                self.end(REVOKED)
        except DatabaseError as error:
            # Without the database there are no new events either.
            log.warning("events.unchecked", error=str(error))

    def _take(self) -> bytes:
        """The records that wait, which are then no longer kept."""
        taken = b"".join(self._waiting)
        if taken:
            self._known, self._event_at = self.position, asyncio.get_running_loop().time()
        self._waiting.clear()
        self._size = 0
        return taken

    def _heartbeat(self) -> bytes:
        """A comment, with the position when no event has passed the filters; empty when none is due."""
        now = asyncio.get_running_loop().time()
        if now - self._sent_at < HEARTBEAT_S:
            return b""
        text = f": {datetime.now(UTC):%H:%M:%SZ}\n\n".encode()
        if now - self._event_at >= QUIET_S and self.position > self._known:
            self._known, self._event_at = self.position, now
            text += b"id: %d\n\n" % self.position
        return text

    async def _send(self, send: Any, body: bytes) -> None:
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            self._sent_at = asyncio.get_running_loop().time()


def _reset(asked: int, start: int) -> bytes:
    """The first record for a client whose next events were deleted, or whose position is unknown."""
    reason = "expired" if asked < start else "unknown"
    data = orjson.dumps({"reason": reason, "position": start})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (start, RESET.encode(), data)


async def _disconnected(receive: Any) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
