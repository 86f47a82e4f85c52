"""The queue of a station's transaction messages, kept until answered (1.6 section 3.7, 2.0.1 E04 and E13)."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.wire import CallFailed, NoAnswer

if TYPE_CHECKING:
    from simulator.session import Session
    from simulator.station import Station


# An isolated station drops updates of its sessions while so many messages wait: their number has no other
# bound, and the server keeps them in its own memory.
MOST_OF_ISOLATED = 100


class TransactionMessage:
    """A message that must not be lost, with its payload at the time of the event."""

    __slots__ = ("action", "answer", "attempts", "done", "message_id", "on_answer", "payload", "session")

    def __init__(self, action: str, payload: dict[str, Any], session: "Session") -> None:
        self.action = action
        self.payload = payload
        self.session = session
        self.attempts = 0
        self.answer: dict[str, Any] | None = None
        self.message_id: str | None = None
        self.done = asyncio.Event()
        self.on_answer: Callable[[dict[str, Any] | None], None] | None = None

    def finish(self, answer: dict[str, Any] | None) -> None:
        """Mark the message as answered, or as dropped when answer is None."""
        self.answer = answer
        if self.on_answer:
            self.on_answer(answer)
        self.done.set()


class Outbox:
    """The message queue of a station, in the order of the events. It survives reconnects and reboots."""

    def __init__(self, station: "Station") -> None:
        self.station = station
        self.waiting: deque[TransactionMessage] = deque()
        self.dropped: list[TransactionMessage] = []
        self._worker: asyncio.Task[None] | None = None
        self._delayed: TransactionMessage | None = None

    def put(self, message: TransactionMessage) -> TransactionMessage:
        """Queue a message and start the sender."""
        if self.station.is_isolated and len(self.waiting) >= MOST_OF_ISOLATED and _can_be_delayed(message):
            message.finish(None)
            return message
        misbehaviour = self.station.misbehaviour
        if misbehaviour.out_of_order and self._delayed is None and _can_be_delayed(message):
            self._delayed = message  # sent after the next message
            return message
        self.waiting.append(message)
        if self._delayed is not None:
            self.waiting.append(self._delayed)
            self._delayed = None
        if misbehaviour.duplicate_start and message.action == "StartTransaction":
            self.waiting.append(TransactionMessage(message.action, dict(message.payload), message.session))
        self.wake()
        return message

    def wake(self) -> None:
        """Start sending queued messages if the station is online."""
        if self.waiting and self.station.online.is_set() and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._drain())

    async def stop(self) -> None:
        if self._worker:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker

    async def _drain(self) -> None:
        while self.waiting and self.station.online.is_set():
            message = self.waiting[0]
            retry = self.station.settings.number("retry_interval")
            try:
                answer = await self._send(message)
            except NoAnswer as failure:
                # The message was not refused, so it stays queued without limit (1.6 section 3.7.1).
                if failure.lost:
                    await asyncio.sleep(0)  # let the station process the disconnect
                    continue
                await self.station.clock.sleep(retry)
            except CallFailed:
                message.attempts += 1
                if message.attempts >= self.station.settings.number("attempts"):
                    self.waiting.popleft()
                    self.dropped.append(message)
                    message.finish(None)
                else:
                    await self.station.clock.sleep(retry * message.attempts)
            else:
                self.waiting.popleft()
                message.finish(answer)

    async def _send(self, message: TransactionMessage) -> dict[str, Any]:
        station = self.station
        payload = message.payload
        if message.action in ("MeterValues", "StopTransaction"):
            payload = payload | {"transactionId": message.session.wire_transaction_id()}
        if message.action == "StopTransaction" and station.misbehaviour.stop_transaction_id is not None:
            payload = payload | {"transactionId": station.misbehaviour.stop_transaction_id}
        wire = station.wire
        if wire is None:
            raise NoAnswer(message.action, lost=True)
        # 2.1 lets a retry keep its id; a 1.6 or 2.0.1 station uses a new one unless it misbehaves.
        if message.message_id is None or not station.misbehaviour.retry_same_id:
            message.message_id = wire.new_id()
        return await station.call(message.action, payload, message_id=message.message_id)


def _can_be_delayed(message: TransactionMessage) -> bool:
    return message.payload.get("eventType") == "Updated" or message.action == "MeterValues"
