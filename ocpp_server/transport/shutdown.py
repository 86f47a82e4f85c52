"""The end of a process that holds station sockets: no new ones, and the old ones go one after the other.

A process that closed 5,000 sockets in one moment would have them all at the door of another in the next.
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
# This part of the grace period is for the goodbyes; the rest is for what still has to be stored.
_SHARE = 0.7
# Faster than this none comes back anyway: a few stations need not use the whole period.
_AT_LEAST_PER_S = 100.0
# How long a station may still answer a command that somebody waits for.
_PATIENCE_S = 5.0
_LOOK_S = 0.05


class Leaver(Protocol):
    """A socket that can be closed in peace."""

    @property
    def is_awaited(self) -> bool:
        """Whether its station owes us an answer that somebody waits for."""
        ...

    async def finish(self, code: int, reason: str) -> None:
        """Answer the message in hand, take no other, close."""
        ...


Sockets = Callable[[], Collection[Leaver]]


class _Shutdown:
    """Whose sockets there are, when the end began (monotonic seconds), whether somebody has lost patience."""

    def __init__(self) -> None:
        self.sockets: Sockets = tuple
        self.began_at: float | None = None
        self.is_hurried = False
        self.draining: asyncio.Task[None] | None = None


_shutdown = _Shutdown()


def serve(sockets: Sockets) -> None:
    """The process begins (again) to serve. `sockets` says whom there is to close when it ends."""
    _shutdown.sockets = sockets
    _shutdown.began_at, _shutdown.is_hurried, _shutdown.draining = None, False, None


def begin() -> None:
    """From now on no station is let in, and the readiness probe is red. Again: changes nothing."""
    if _shutdown.began_at is None:
        _shutdown.began_at = time.monotonic()
        log.info("shutdown.began", grace_s=settings.SHUTDOWN_GRACE)


def hurry() -> None:
    """Somebody asked a second time: end at once. Safe in a signal handler."""
    _shutdown.is_hurried = True


def is_under_way() -> bool:
    return _shutdown.began_at is not None


def remaining() -> float:
    """Seconds of the grace period that are left; all of it before the shutdown has begun."""
    if _shutdown.is_hurried:
        return 0.0
    if _shutdown.began_at is None:
        return float(settings.SHUTDOWN_GRACE)
    return max(0.0, _shutdown.began_at + float(settings.SHUTDOWN_GRACE) - time.monotonic())


def drain() -> asyncio.Task[None]:
    """Let nobody in any more and close every socket; done when all are gone or the grace period is over.

    Whoever asks first begins it: our server at the signal, uvicorn's own shutdown, the end of the lifespan.
    """
    begin()
    if _shutdown.draining is None:
        _shutdown.draining = asyncio.get_running_loop().create_task(_close_all(_shutdown.sockets))
    return _shutdown.draining


async def _close_all(sockets: Sockets) -> None:
    """Spread over the grace period. `sockets` is asked again and again: a handshake that was under way brings
    one more.
    """
    began = time.monotonic()
    leaving = list(sockets())
    seconds = min(remaining() * _SHARE, len(leaving) / _AT_LEAST_PER_S)
    patience = min(remaining() * _SHARE, _PATIENCE_S)
    asked: set[int] = set()
    tasks: list[asyncio.Task[None]] = []
    for number, socket in enumerate(leaving):
        await _pause(began + seconds * number / len(leaving))
        asked.add(id(socket))
        tasks.append(asyncio.get_running_loop().create_task(_let_go(socket, time.monotonic() + patience)))
    while (left := sockets()) and remaining():
        for socket in left:
            if id(socket) not in asked:
                asked.add(id(socket))
                leaving.append(socket)  # kept, so that its id stays its own
                tasks.append(asyncio.get_running_loop().create_task(_let_go(socket, time.monotonic())))
        await asyncio.sleep(_LOOK_S)
    for task in tasks:
        if not task.done():
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    took = round(time.monotonic() - began, 2)
    log.info("shutdown.closed", sockets=len(leaving), left=len(sockets()), seconds=took)


async def _let_go(socket: Leaver, patience_until: float) -> None:
    while socket.is_awaited and time.monotonic() < patience_until and remaining():
        await asyncio.sleep(_LOOK_S)
    try:
        await socket.finish(CODE, REASON)
    except Exception:
        # The others have to go all the same.
        log.exception("shutdown.close_failed")


async def _pause(until: float) -> None:
    while (wait := until - time.monotonic()) > 0 and remaining():
        await asyncio.sleep(min(wait, _LOOK_S))
