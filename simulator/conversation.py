"""CALLs and answers of a connected station, and its background tasks."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from websockets.exceptions import ConnectionClosed

from simulator import schemas
from simulator.answers import NoReply, answer_call
from simulator.failing import Failure, failing_answer, take
from simulator.frame_log import FrameLog
from simulator.latency import Latencies
from simulator.misbehaviour import Misbehaviour
from simulator.wire import CallFailed, NoAnswer, Wire

logger = logging.getLogger("simulator")

Handler = Callable[[dict[str, Any]], Any]


class Conversation(FrameLog):
    """The message part of a station; :mod:`simulator.connection` provides the socket."""

    def __init__(
        self,
        identity: str,
        version: str,
        *,
        log_size: int,
        latencies: Latencies | None,
        misbehaviour: Misbehaviour | None,
    ) -> None:
        super().__init__(log_size=log_size)
        self.identity, self.version = identity, version
        self.misbehaviour = misbehaviour or Misbehaviour()
        self.latencies = latencies if latencies is not None else Latencies()
        self.wire: Wire | None = None
        self._scripts: dict[str, Handler] = {}
        self.failures: list[Failure] = []  # of the next CALLs of the CSMS, in order
        self._tasks: set[asyncio.Task[Any]] = set()

    def boot_now(self, reason: str = "Triggered") -> None:
        """Send BootNotification again on this connection; implemented by the connection."""
        raise NotImplementedError

    async def call(
        self,
        action: str,
        payload: dict[str, Any],
        *,
        message_id: str | None = None,
        timeout_s: float | None = None,
        check: bool = True,
    ) -> dict[str, Any]:
        """Send a CALL with the schema's own keys and return the answer's payload.

        Raises ValueError when check is on and the payload breaks the schema, CallFailed for a CALLERROR,
        NoAnswer.
        """
        if check and (faults := schemas.faults(self.version, action, "request", payload)):
            raise ValueError(f"{action}: {faults}")
        wire = self.wire
        if wire is None:
            raise NoAnswer(action, lost=True)
        try:
            answer, seconds = await wire.request(action, payload, message_id=message_id, timeout_s=timeout_s)
        except CallFailed as failure:
            self.latencies.fail(action, failure.code)
            if (
                failure.code == "SecurityError"
                and action != "BootNotification"
                and not self.misbehaviour.no_boot
            ):
                self.boot_now("PowerUp")  # the server does not know this station as accepted
            raise
        except NoAnswer as failure:
            if not failure.lost:
                self.latencies.fail(action, "timeout")
            raise
        self.latencies.record(action, seconds)
        return answer

    async def notify(self, action: str, payload: dict[str, Any]) -> None:
        """Send a notification whose answer carries nothing; a lost or refused one is ignored."""
        with contextlib.suppress(NoAnswer, CallFailed):
            await self.call(action, payload)

    async def send_raw(self, text: str) -> None:
        """Send a frame exactly as given. Raises NoAnswer when there is no connection."""
        if self.wire is None:
            raise NoAnswer("raw frame", lost=True)
        try:
            await self.wire.send_text(text)
        except ConnectionClosed:
            raise NoAnswer("raw frame", lost=True) from None

    def on_call(self, action: str, handler: Handler | None) -> None:
        """Script the answer to a CSMS call: ``handler(payload)`` returns a payload (or an awaitable of one),
        raises CallFailed to answer with a CALLERROR, or returns None to send no answer. A handler of None
        restores the normal answer.
        """
        if handler is None:
            self._scripts.pop(action, None)
        else:
            self._scripts[action] = handler

    async def _answer(self, wire: Wire, message_id: str, action: str, payload: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed):
            if self.misbehaviour.slow_answers_s:
                await asyncio.sleep(self.misbehaviour.slow_answers_s)
            if self.misbehaviour.never_answers:
                return
            follow_up = None
            answer: Any
            try:
                if failure := take(self.failures, action):
                    answer = failing_answer(self.version, action, failure)
                elif script := self._scripts.get(action):
                    answer = script(payload)
                    answer = await answer if inspect.isawaitable(answer) else answer
                else:
                    answer, follow_up = answer_call(self, action, payload)
            except NoReply:
                return
            except CallFailed as refusal:
                await wire.refuse(message_id, refusal.code, refusal.description)
                return
            if answer is None:
                return
            is_early = self.misbehaviour.early_triggers and action.endswith("TriggerMessage")
            if follow_up is not None and is_early:
                await follow_up()
                follow_up = None
            await wire.answer(message_id, answer)
            if follow_up is not None:
                self.background(follow_up(), name=f"after {action}")

    def background(self, work: Coroutine[Any, Any, Any], *, name: str) -> "asyncio.Task[Any]":
        """Run a coroutine in the background; it ends with the station."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            logger.error("%s: %s failed", self.identity, task.get_name(), exc_info=failure)
