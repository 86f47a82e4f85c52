"""The uplink of a gateway: it pushes the frames of its sockets into the queue. Frames that arrive during a
push go with the next one.

One task pushes for all stations. Frames are numbered, so that a push whose reply was lost can be repeated.
Until it is confirmed, the next frames of the station wait; when many wait, the socket is not read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import structlog

from ocpp_server.live.redis.link import AWAY, RETRY_S
from ocpp_server.live.redis.wire import Wire
from ocpp_server.transport.queue.gateway_side import (
    MISSING,
    STATIONS_AT_ONCE,
    Batch,
    GatewayQueue,
    is_permanent,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Source(Protocol):
    """A socket for the uplink. `outbox` holds the frames to push; `first` is the number of the first one."""

    identity: str
    session_id: str
    protocol: str
    outbox: list[bytes]
    first: int
    ended: str | None  # the reason, when it is closed

    def pushed(self, frames: int, queue: int) -> None:
        """Note that this many frames were pushed; `queue` is the length of the queue now."""

    def replaced(self) -> None:
        """Close, because a newer connection holds the station."""

    def failed(self, reason: str) -> None:
        """Close, because frames cannot be pushed."""


class Uplink:
    """Pushes envelopes. `restore` registers a session again that Redis has lost, and returns False when a
    newer connection holds the station; `away` and `back` are called when an outage of Redis begins and ends.
    """

    def __init__(
        self,
        queue: GatewayQueue,
        *,
        restore: Callable[[Source], Awaitable[bool]],
        away: Callable[[BaseException], None],
        back: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._restore, self._away, self._back = restore, away, back
        self._wire = Wire()
        self._sending: deque[Source] = deque()
        self._ending: list[Source] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.pushes = 0
        self.frames = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, timeout: float) -> None:
        """Stop when all envelopes are pushed, after `timeout` seconds at the latest."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            log.error("gateway.unpushed", stations=len(self._sending), ended=len(self._ending))
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._wire.close()

    def push(self, source: Source, frame: bytes) -> None:
        """Push an envelope after the waiting ones of the same station."""
        if not source.outbox:
            self._sending.append(source)
            self._wake_up()
        source.outbox.append(frame)

    def end(self, source: Source) -> None:
        """Push the end of a connection, after its frames."""
        self._ending.append(source)
        self._wake_up()

    def _wake_up(self) -> None:
        self._idle.clear()
        self._wake.set()

    @property
    def waiting(self) -> int:
        """The number of stations with frames that are not pushed yet."""
        return len(self._sending)

    async def _run(self) -> None:
        while True:
            if not self._sending and not self._ending:
                self._wake.clear()
                self._idle.set()
                await self._wake.wait()
            sources = [self._sending.popleft() for _ in range(min(len(self._sending), STATIONS_AT_ONCE))]
            try:
                if sources:
                    await self._push([(source, _batch(source)) for source in sources])
                if self._ending:
                    await self._push_ended()
            except Exception:
                log.exception("gateway.uplink_failed")
                for source in sources:
                    source.failed("Messages cannot be stored.")

    async def _push(self, batched: list[tuple[Source, Batch]]) -> None:
        batches = [batch for _, batch in batched]
        lengths = await self._retry(lambda: self._queue.push(self._wire, batches))
        if lengths is None:
            # The Redis keys of one station are broken: push the others without it.
            if len(batched) == 1:
                batched[0][0].failed("The queue of this station is unusable.")
            else:
                for one in batched:
                    await self._push([one])
            return
        self.pushes += 1
        again = []
        for (source, batch), length in zip(batched, lengths, strict=True):
            if length >= 0:
                self.frames += len(batch.frames)
                source.pushed(len(batch.frames), length)
            elif length == MISSING and source.ended is None and await self._restore_session(source):
                again.append((source, batch))
            else:
                source.replaced()
        if again:
            await self._push(again)

    async def _restore_session(self, source: Source) -> bool:
        return bool(await self._retry(lambda: self._restore(source)))

    async def _push_ended(self) -> None:
        """Push the ends of connections, except those whose frames are not pushed yet."""
        ended = [source for source in self._ending if not source.outbox]
        self._ending = [source for source in self._ending if source.outbox]
        for start in range(0, len(ended), STATIONS_AT_ONCE):
            await self._close(
                [
                    (source.identity, source.session_id, source.protocol, source.ended or "")
                    for source in ended[start : start + STATIONS_AT_ONCE]
                ]
            )

    async def _close(self, ended: list[tuple[str, str, str, str]]) -> None:
        closed = await self._retry(lambda: self._queue.close(self._wire, ended))
        if closed is None and len(ended) > 1:
            for one in ended:
                await self._close([one])

    async def _retry(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Repeat a call until Redis replies. Returns None for a call that Redis will always refuse."""
        failures = 0
        while True:
            try:
                answer = await call()
            except AWAY as error:
                if is_permanent(error):
                    log.error("gateway.queue_refused", error=str(error))
                    return None
                self._away(error)
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
            else:
                self._back()
                return answer


def _batch(source: Source) -> Batch:
    """The frames of a socket, which are removed from its outbox."""
    frames, source.outbox = source.outbox, []
    first = source.first
    source.first += len(frames)
    return Batch(source.identity, source.session_id, first, frames)
