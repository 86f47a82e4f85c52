"""The shutdown of a process that holds station sockets: no new sockets, and the open ones close one by one.

5,000 sockets that closed in one moment would all connect to another process in the next.
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
# This part of the grace period is for closing sockets; the rest is for the final writes.
_SHARE = 0.7
# Stations do not reconnect faster than this: a few stations need not take the whole period.
_AT_LEAST_PER_S = 100.0
# How long a station may still answer a command before its socket is closed.
_ANSWER_S = 5.0
_LOOK_S = 0.05


class ClosableSocket(Protocol):
    """A socket that can be closed between two messages."""

    @property
    def is_awaited(self) -> bool:
        """Whether the station has a command of ours that it has not answered."""
        ...

    async def finish(self, code: int, reason: str) -> None:
        """Answer the current message, take no other, close."""
        ...


Sockets = Callable[[], Collection[ClosableSocket]]


class _Shutdown:
    """The open sockets, when the shutdown began (monotonic seconds), and whether it must end at once."""

    def __init__(self) -> None:
        self.sockets: Sockets = tuple
        self.began_at: float | None = None
        self.must_end_now = False
        self.draining: asyncio.Task[None] | None = None


_shutdown = _Shutdown()


def serve(sockets: Sockets) -> None:
    """The process begins (again) to serve. `sockets` returns the sockets that a shutdown closes."""
    _shutdown.sockets = sockets
    _shutdown.began_at, _shutdown.must_end_now, _shutdown.draining = None, False, None


def begin() -> None:
    """Refuse new stations from now on and fail the readiness probe. A second call changes nothing."""
    if _shutdown.began_at is None:
        _shutdown.began_at = time.monotonic()
        log.info("shutdown.began", grace_s=settings.SHUTDOWN_GRACE)


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
    """Refuse new stations and close every socket; done when all are closed or the grace period is over.

    The first caller begins it: our server at the signal, uvicorn's own shutdown, or the end of the lifespan.
    """
    begin()
    if _shutdown.draining is None:
        _shutdown.draining = asyncio.get_running_loop().create_task(_close_all(_shutdown.sockets))
    return _shutdown.draining


async def _close_all(sockets: Sockets) -> None:
    """Close the sockets, spread over the grace period. `sockets` is called repeatedly: a handshake that was
    under way adds one more.
    """
    began = time.monotonic()
    leaving = list(sockets())
    seconds = min(remaining() * _SHARE, len(leaving) / _AT_LEAST_PER_S)
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
                leaving.append(socket)  # kept, so that its id stays its own
                tasks.append(asyncio.get_running_loop().create_task(_close_one(socket, time.monotonic())))
        await asyncio.sleep(_LOOK_S)
    for task in tasks:
        if not task.done():
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    took = round(time.monotonic() - began, 2)
    log.info("shutdown.closed", sockets=len(leaving), left=len(sockets()), seconds=took)


async def _close_one(socket: ClosableSocket, wait_until: float) -> None:
    while socket.is_awaited and time.monotonic() < wait_until and remaining():
        await asyncio.sleep(_LOOK_S)
    try:
        await socket.finish(CODE, REASON)
    except Exception:
        # The other sockets must close all the same.
        log.exception("shutdown.close_failed")


async def _pause(until: float) -> None:
    while (wait := until - time.monotonic()) > 0 and remaining():
        await asyncio.sleep(min(wait, _LOOK_S))
