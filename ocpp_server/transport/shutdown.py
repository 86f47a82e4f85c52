"""The shutdown of a process that holds station sockets: it refuses new sockets and closes the open ones one
by one.

If 5,000 sockets closed at once, all their stations would connect to another process at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Protocol

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CODE, REASON = 1001, "The server is going away."
# The part of the grace period for closing sockets; the rest is for the final writes.
_SHARE = 0.7
# Sockets close at this rate at least, so a few stations do not take the whole grace period.
_MIN_PER_S = 100.0
# How long a station may still answer a command before its socket is closed.
_ANSWER_S = 5.0
_POLL_S = 0.05


class ClosableSocket(Protocol):
    """A socket that can be closed between two messages."""

    @property
    def is_awaited(self) -> bool:
        """Whether the station has not answered a command."""
        ...

    async def finish(self, code: int, reason: str) -> None:
        """Answer the current message, accept no other, close."""
        ...


Sockets = Callable[[], Collection[ClosableSocket]]


class _Shutdown:
    """The state of the shutdown: the open sockets, when it began (monotonic seconds), and whether the rest of
    the grace period is skipped.
    """

    def __init__(self) -> None:
        self.sockets: Sockets = tuple
        self.began_at: float | None = None
        self.must_end_now = False
        self.draining: asyncio.Task[None] | None = None


_shutdown = _Shutdown()
_listeners: list[Callable[[], None]] = []


def on_begin(listener: Callable[[], None]) -> None:
    """Call this function when a shutdown begins; for `AppConfig.ready`. It must not block."""
    _listeners.append(listener)


def serve(sockets: Sockets) -> None:
    """Reset the shutdown, because the process starts serving. `sockets` returns the sockets to close
    later.
    """
    _shutdown.sockets = sockets
    _shutdown.began_at, _shutdown.must_end_now, _shutdown.draining = None, False, None


def begin() -> None:
    """Refuse new stations from now on and fail the readiness probe. A second call changes nothing."""
    if _shutdown.began_at is None:
        _shutdown.began_at = time.monotonic()
        log.info("shutdown.began", grace_s=settings.SHUTDOWN_GRACE)
        for listener in _listeners:
            listener()


def end_now() -> None:
    """Skip the rest of the grace period, for a second signal. Safe in a signal handler."""
    _shutdown.must_end_now = True


def is_under_way() -> bool:
    return _shutdown.began_at is not None


def remaining() -> float:
    """Seconds of the grace period that are left; all of it before the shutdown has begun."""
    if _shutdown.must_end_now:
        return 0.0
    if _shutdown.began_at is None:
        return float(settings.SHUTDOWN_GRACE)
    return max(0.0, _shutdown.began_at + float(settings.SHUTDOWN_GRACE) - time.monotonic())


def drain() -> asyncio.Task[None]:
    """Refuse new stations and close every socket. The task ends when all are closed or the grace period is
    over.

    The first of several calls starts the task: that of the server at the signal, of uvicorn's shutdown, or of
    the end of the lifespan.
    """
    begin()
    if _shutdown.draining is None:
        _shutdown.draining = asyncio.get_running_loop().create_task(_close_all(_shutdown.sockets))
    return _shutdown.draining


async def _close_all(sockets: Sockets) -> None:
    """Close the sockets, spread over the grace period. `sockets` is called repeatedly, because a handshake in
    progress may still add one.
    """
    began = time.monotonic()
    leaving = list(sockets())
    seconds = min(remaining() * _SHARE, len(leaving) / _MIN_PER_S)
    answer_wait = min(remaining() * _SHARE, _ANSWER_S)
    asked: set[int] = set()
    tasks: list[asyncio.Task[None]] = []
    for number, socket in enumerate(leaving):
        await _pause(began + seconds * number / len(leaving))
        asked.add(id(socket))
        tasks.append(
            asyncio.get_running_loop().create_task(_close_one(socket, time.monotonic() + answer_wait))
        )
    while (left := sockets()) and remaining():
        for socket in left:
            if id(socket) not in asked:
                asked.add(id(socket))
                leaving.append(socket)  # a reference, so that no other socket gets the same id
                tasks.append(asyncio.get_running_loop().create_task(_close_one(socket, time.monotonic())))
        await asyncio.sleep(_POLL_S)
    for task in tasks:
        if not task.done():
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    took = round(time.monotonic() - began, 2)
    log.info("shutdown.closed", sockets=len(leaving), left=len(sockets()), seconds=took)


async def _close_one(socket: ClosableSocket, wait_until: float) -> None:
    while socket.is_awaited and time.monotonic() < wait_until and remaining():
        await asyncio.sleep(_POLL_S)
    try:
        await socket.finish(CODE, REASON)
    except Exception:
        # A failure must not keep the other sockets from closing.
        log.exception("shutdown.close_failed")


async def _pause(until: float) -> None:
    while (wait := until - time.monotonic()) > 0 and remaining():
        await asyncio.sleep(min(wait, _POLL_S))
