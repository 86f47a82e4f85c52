"""Transaction messages wait here until they are answered (1.6 section 3.7, 2.0.1 E04 and E13)."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.wire import CallFailed, NoAnswer

if TYPE_CHECKING:
    from simulator.session import Session
    from simulator.station import Station


class TransactionMessage:
    """One message that must not be lost, with the payload as it was when the event happened."""

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
        """The message was answered, or dropped when answer is None."""
        self.answer = answer
        if self.on_answer:
            self.on_answer(answer)
        self.done.set()


class Outbox:
    """The queue of one station. It survives reconnects and reboots; its order is the order of the events."""

    def __init__(self, station: "Station") -> None:
        self.station = station
        self.waiting: deque[TransactionMessage] = deque()
        self.dropped: list[TransactionMessage] = []
        self._worker: asyncio.Task[None] | None = None
        self._held: TransactionMessage | None = None

    def put(self, message: TransactionMessage) -> TransactionMessage:
        """Queue a message and see to it that somebody sends it."""
        mischief = self.station.mischief
        if mischief.out_of_order and self._held is None and _may_wait(message):
            self._held = message  # it goes out after its successor
            return message
        self.waiting.append(message)
        if self._held is not None:
            self.waiting.append(self._held)
            self._held = None
        if mischief.duplicate_start and message.action == "StartTransaction":
            self.waiting.append(TransactionMessage(message.action, dict(message.payload), message.session))
        self.kick()
        return message

    def kick(self) -> None:
        """Send what waits, now that the station is online."""
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
                # Nobody said no: the message is kept for as long as it takes (1.6 section 3.7.1).
                if failure.lost:
                    await asyncio.sleep(0)  # let the station notice; if it is back already, go on
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
            payload = payload | {"transactionId": message.session.known_id()}
        if message.action == "StopTransaction" and station.mischief.stop_transaction_id is not None:
            payload = payload | {"transactionId": station.mischief.stop_transaction_id}
        wire = station.wire
        if wire is None:
            raise NoAnswer(message.action, lost=True)
        # 2.1 lets a retry keep its id; a 1.6 or 2.0.1 station mints a new one unless told to misbehave.
        if message.message_id is None or not station.mischief.retry_same_id:
            message.message_id = wire.new_id()
        return await station.call(message.action, payload, message_id=message.message_id)


def _may_wait(message: TransactionMessage) -> bool:
    return message.payload.get("eventType") == "Updated" or message.action == "MeterValues"
