"""Requests that wait for a change: neither a thread nor a database connection is held meanwhile.

A view calls `wait_for`, and then answers with what is there. This middleware drops that answer, waits until
the change has come or the time is over, and runs the request again: its second answer is the one that is
sent. So the caller's rights are checked when the answer is made, and not only before the wait.

Only requests without a body can wait, because the body has been read by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest

from ocpp_server.bounds.streaming import Threads
from ocpp_server.observability.access import RUN, Run
from ocpp_server.observability.addresses import masked_path
from ocpp_server.transport import shutdown

log = structlog.get_logger(__name__)

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

# A change is noticed this late at most, in seconds.
PAUSE_S: Final = 0.2
# The requests that wait in this process, and those of one caller. Others are answered at once.
MOST_WAITING: Final = 1000
MOST_OF_A_CALLER: Final = 50
_KEY: Final = "ocpp.long_poll"
_threads = Threads(1, name="long-polls")


class Watch:
    """Finds out which of the awaited things are still unchanged, with one query for all waiting requests.

    `unchanged` gets their keys and returns those that are still to be awaited. It may use the database.
    """

    def __init__(self, unchanged: Callable[[Collection[str]], Collection[str]]) -> None:
        self._unchanged = unchanged
        self._waiting: Counter[str] = Counter()
        self._changed: dict[str, asyncio.Event] = {}
        self._task: asyncio.Task[None] | None = None

    async def changed(self, key: str) -> None:
        """Return when this thing has changed, or when the server shuts down."""
        event = self._changed.setdefault(key, asyncio.Event())
        self._waiting[key] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())
        try:
            await event.wait()
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
                self._changed.pop(key, None)

    async def _look(self) -> None:
        while self._changed:
            await asyncio.sleep(PAUSE_S)
            keys = set(self._changed)
            try:
                unchanged = (
                    set() if shutdown.is_under_way() else set(await _threads.run(self._unchanged, keys))
                )
            except DatabaseError as error:
                # The requests wait until the end of their time, and their second answer names the failure.
                log.warning("long_polls.database_away", error=str(error))
                continue
            for key in keys - unchanged:
                if key in self._changed:
                    self._changed[key].set()


@dataclass
class _Poll:
    """The wish of a view to be called again. `is_last`: this is the second call."""

    run: Run
    is_last: bool = False
    watch: Watch | None = None
    key: str = ""
    seconds: float = 0.0
    caller: str = ""


_callers: Counter[str] = Counter()


def wait_for(request: HttpRequest, watch: Watch, key: str, *, seconds: float, caller: str) -> None:
    """Answer this request again when `key` has changed, or after these seconds.

    `caller` names whose limit of waiting requests counts. Without the middleware, in the second call, during
    a shutdown and beyond a limit, the first answer is sent.
    """
    poll = _poll_of(request)
    if poll is None or poll.is_last or seconds <= 0 or shutdown.is_under_way():
        return
    if _callers.total() >= MOST_WAITING or _callers[caller] >= MOST_OF_A_CALLER:
        log.info("long_polls.too_many", caller=caller, waiting=_callers.total())
        return
    poll.run.is_dropped = True
    poll.watch, poll.key, poll.seconds, poll.caller = watch, key, seconds, caller


def is_repeated(request: HttpRequest) -> bool:
    """Whether this is the second call of a request that has waited: it was counted before."""
    poll = _poll_of(request)
    return poll is not None and poll.is_last


def is_waiting(request: HttpRequest) -> bool:
    """Whether the answer of this call is dropped, because the request waits and runs again."""
    poll = _poll_of(request)
    return poll is not None and poll.watch is not None


def _poll_of(request: HttpRequest) -> _Poll | None:
    found: _Poll | None = getattr(request, "scope", {}).get(_KEY)
    return found


def waiting() -> int:
    """The number of requests that wait in this process."""
    return _callers.total()


def waits(application: Application) -> Application:
    """Wrap an application whose views may wait."""

    async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
        poll = _Poll(Run(time.perf_counter()))

        async def unless_waiting(message: dict[str, Any]) -> None:
            if poll.watch is None:
                await send(message)

        await application({**scope, _KEY: poll, RUN: poll.run}, receive, unless_waiting)
        if poll.watch is None:
            return
        if not await _waited(poll, receive):
            # The access log has no line of a request without an answer.
            seconds = round(time.perf_counter() - poll.run.began, 1)
            log.info("long_polls.client_gone", path=masked_path(scope["path"])[:200], seconds=seconds)
            return
        last = _Poll(Run(poll.run.began), is_last=True)
        await application({**scope, _KEY: last, RUN: last.run}, _Again(receive), send)

    return run


async def _waited(poll: _Poll, receive: Any) -> bool:
    """Wait for the change; False when the client has gone."""
    assert poll.watch is not None
    loop = asyncio.get_running_loop()
    change = loop.create_task(poll.watch.changed(poll.key))
    departure = loop.create_task(_departed(receive))
    _callers[poll.caller] += 1
    try:
        await asyncio.wait({change, departure}, timeout=poll.seconds, return_when=asyncio.FIRST_COMPLETED)
        return not departure.done()
    finally:
        _callers[poll.caller] -= 1
        if not _callers[poll.caller]:
            del _callers[poll.caller]
        for task in (change, departure):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _departed(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Again:
    """The messages of the request for its second call: the empty body, which the first call has read."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive
        self._is_begun = False

    async def __call__(self) -> dict[str, Any]:
        if not self._is_begun:
            self._is_begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        message: dict[str, Any] = await self._receive()
        return message
