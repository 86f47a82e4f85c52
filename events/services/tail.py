"""Reads new events once for all subscribers of this process, and offers them to each.

The tail runs while there are subscribers. It is woken when events got their numbers, and also polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

import structlog
from django.db import Error as DatabaseError

from events.models import Event
from events.services import envelopes
from ocpp_server import live
from ocpp_server.bounds.streaming import Threads
from ocpp_server.transport.messages import EventsNumbered
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# A lost wake-up costs this at most.
POLL_S: Final = 1.0
BATCH: Final = 500  # equivalent: the rest is read at once by the next query
# Threads of their own: many clients that return after a restart delay no other request.
threads = Threads(2, name="events")


class Passed(NamedTuple):
    """An event, its position and its record for a stream: with a masked token, and with the whole one."""

    event: Event
    position: int
    record: bytes
    whole: bytes


class Follower(Protocol):
    """A subscriber, as the tail uses it."""

    position: int
    # Whether it gets whole uids of tokens.
    sees_tokens: bool

    def offer(self, passed: Sequence[Passed]) -> None:
        """Keep the events that it selects; never blocks."""

    def end(self, reason: str) -> None:
        """End the stream; the client connects again."""


class Tail:
    """The position up to which events were read, and the subscribers that get the ones after it."""

    def __init__(self) -> None:
        self.position = 0
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self._woken: asyncio.Event | None = None

    def add(self, follower: Follower) -> bool:
        """Offer this subscriber all events after its position. False when others have read further: then it
        has to read up to them first.
        """
        if self._task is None or self._task.done():
            self.position, self._woken = follower.position, asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._run(self._woken))
        elif follower.position < self.position:
            return False
        self._followers.add(follower)
        return True

    def remove(self, follower: Follower) -> None:
        """Offer it nothing more. The last one ends the reading."""
        self._followers.discard(follower)
        if not self._followers and self._task is not None:
            self._task.cancel()
            self._task = None

    def end_all(self, reason: str) -> None:
        """End all streams that have caught up."""
        for follower in list(self._followers):
            follower.end(reason)

    @property
    def _is_whole(self) -> bool:
        return any(follower.sees_tokens for follower in self._followers)

    def wake(self) -> None:
        """Read now. For the event loop."""
        if self._woken is not None:
            self._woken.set()

    async def _run(self, woken: asyncio.Event) -> None:
        with suppress(live.LiveStateUnavailable):
            await switchboard.subscribe_to_events(self.wake, EventsNumbered)
        while True:
            woken.clear()
            try:
                passed = await threads.run(read_after, self.position, self._is_whole)
            except DatabaseError as error:
                log.warning("events.unread", error=str(error))
                passed = []
            if passed:
                self._pass_on(passed)
            if len(passed) < BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await woken.wait()

    def _pass_on(self, passed: Sequence[Passed]) -> None:
        if passed[0].position != self.position + 1:
            # Deleted before they were read here. The clients get `stream.reset` when they return.
            self.end_all("gap")
        self.position = passed[-1].position
        for follower in list(self._followers):
            follower.offer(passed)


def read_after(position: int, with_tokens: bool) -> list[Passed]:
    """The next events after a position, with their records. Positions have no gaps."""
    rows = list(Event.objects.numbered().filter(position__gt=position)[:BATCH])
    return recorded(rows, with_tokens=with_tokens)


def recorded(rows: Sequence[Event], *, with_tokens: bool) -> list[Passed]:
    """The records of numbered events as Server-Sent Events."""
    sites = envelopes.site_names(rows)
    uids = envelopes.token_uids(rows) if with_tokens else {}
    found = []
    for row in rows:
        if row.position is not None:
            masked = _record(row.position, row.type, envelopes.encoded(row, sites))
            whole = masked
            if uids and row.is_personal:
                whole = _record(row.position, row.type, envelopes.encoded(row, sites, uids))
            found.append(Passed(row, row.position, masked, whole))
    return found


def _record(position: int, type: str, text: bytes) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (position, type.encode(), text)


tail = Tail()
