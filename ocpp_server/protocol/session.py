"""One station's conversation, without the socket: what a frame means, and what may be sent when.

Sans-I/O and without a clock: `now` is monotonic seconds, passed in. Rules kept here: one outstanding CALL of
ours (2.0.1 part 4 4.1.1), answers match by message id only, a late answer never matches the next call, a
message id used again is a retry or a mistake but never a second effect (conformance R16-R30).
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from .actions import ALWAYS_NEW, TRANSACTIONAL
from .errors import OcppError, ProtocolError
from .frames import (
    Broken,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Send,
    Unknown,
    answer_to_broken,
    pack_call,
    pack_error,
    parse,
)
from .versions import V201

REMEMBERED_ANSWERS = 8
REMEMBERED_FOR = (
    300.0  # seconds; longer than any retry interval seen, shorter than most id counters need to wrap
)
REMEMBERED_LATE = 64


class QueueFull(Exception):
    """So many of our calls wait for this station that another one is refused."""


class SessionClosed(Exception):
    """The conversation has ended; what is submitted now would never be sent."""


@dataclass(slots=True)
class OutgoingCall:
    """A CALL of ours. `timeout` in seconds counts from the moment it is sent, not while it is queued.

    `expires_at`: when it is not worth sending any more, by default one timeout after it was submitted. Who
    asked for it has been told by then that it failed: a remote start must not happen an hour later.
    """

    id: str
    action: str
    payload: dict[str, Any]
    timeout: float = 30.0
    expires_at: float | None = None
    sent_at: float | None = None
    deadline: float | None = None


# --- what a frame turned out to be --------------------------------------------------------------------------


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A CALL to be served; hand its answer to `Session.answered`, errors too."""

    call: Call


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """A CALL that was answered before: send the stored answer again, run nothing."""

    text: str
    call: Call


class Refused(msgspec.Struct, frozen=True):
    """A frame that is not served: send `text` if there is any, then close (1002) when `close` says so."""

    text: str | None
    error: OcppError | None
    reason: str
    close: bool = False


class Answered(msgspec.Struct, frozen=True):
    """The station answered our call; `next` is the frame to send now that the line is free."""

    outgoing: OutgoingCall
    frame: CallResult | CallError
    next: str | None


class Late(msgspec.Struct, frozen=True):
    """An answer nobody waits for: to a call that timed out (`late`), or to none of ours."""

    frame: CallResult | CallError
    outgoing_id: str
    late: bool


class Streamed(msgspec.Struct, frozen=True, gc=False):
    """A SEND (2.1): process it, answer nothing, not even an error."""

    send: Send


class ResultRefused(msgspec.Struct, frozen=True):
    """A CALLRESULTERROR (2.1): the station could not read our answer to the call with this id."""

    frame: CallResultError


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """Nothing to do; the reason is for the log and the counters."""

    reason: str


Event = Incoming | Repeated | Refused | Answered | Late | Streamed | ResultRefused | Ignored


# --- what is remembered -------------------------------------------------------------------------------------


class ReplayMemory:
    """The last answers to one station, so that a retry gets the same answer and has no second effect.

    Belongs to the station and outlives its sockets: the answer was lost because the socket was. Never by id
    alone, since many stations count from 1 after each start. Of a request only its hash is kept.
    """

    __slots__ = ("_answers", "_sockets")

    def __init__(self) -> None:
        self._answers: dict[
            str, tuple[int, float, int, str]
        ] = {}  # id -> (fingerprint, time, socket, answer)
        self._sockets = 0

    def new_socket(self) -> int:
        """A number that tells the sockets of the station apart."""
        self._sockets += 1
        return self._sockets

    def clear(self) -> None:
        """Forget everything: the station has restarted and so, perhaps, has its counter."""
        self._answers.clear()

    def remember(self, call: Call, text: str, socket: int, now: float) -> None:
        """Keep an answer, dropping the oldest."""
        answers = self._answers
        if call.id in answers:
            del answers[call.id]
        if len(answers) >= REMEMBERED_ANSWERS:
            del answers[next(iter(answers))]
        answers[call.id] = (fingerprint(call), now, socket, text)

    def find(self, call: Call, now: float) -> tuple[int, int, str] | None:
        """The (fingerprint, socket, answer) remembered under the id of this call, if it is young enough."""
        stored = self._answers.get(call.id)
        if stored is None or now - stored[1] > REMEMBERED_FOR:
            return None
        return stored[0], stored[2], stored[3]


def fingerprint(call: Call) -> int:
    """What makes two CALLs of one id the same message: the action and the payload, byte for byte."""
    return hash((call.action, call.payload))


# --- the conversation ---------------------------------------------------------------------------------------


class Session:
    """Both directions of one socket.

    The caller feeds `receive`, sends every frame it is given, and calls `expire` when `next_deadline` has
    passed. Incoming calls never wait for outgoing ones, so crossing calls cannot block each other (R25).
    """

    __slots__ = (
        "_bad_frames",
        "_closed",
        "_in_progress",
        "_late",
        "_max_bad_frames",
        "_memory",
        "_queue",
        "_queue_limit",
        "_socket",
        "outstanding",
        "version",
    )

    def __init__(
        self,
        version: str,
        *,
        memory: ReplayMemory | None = None,
        queue_limit: int = 64,
        max_bad_frames: int = 10,
    ) -> None:
        self.version = version
        self.outstanding: OutgoingCall | None = None
        self._memory = memory if memory is not None else ReplayMemory()
        self._socket = self._memory.new_socket()
        self._queue: deque[tuple[OutgoingCall, str]] = deque()
        self._queue_limit = queue_limit
        self._late: dict[str, None] = {}  # ids of our timed-out calls, oldest first
        self._in_progress: dict[str, int] = {}  # ids of the station's unanswered calls -> fingerprint
        self._max_bad_frames = max_bad_frames
        self._bad_frames = 0
        self._closed = False

    # the station speaks

    def receive(self, text: str, now: float) -> Event:
        """Say what a frame means; never raises, whatever it is."""
        frame = parse(text, self.version)
        if isinstance(frame, Call):
            self._bad_frames = 0
            return self._receive_call(frame, now)
        if isinstance(frame, Broken | Unknown):
            return self._refuse(frame)
        self._bad_frames = 0
        if isinstance(frame, CallResult | CallError):
            return self._receive_answer(frame, now)
        if isinstance(frame, Send):
            return Streamed(frame)
        return ResultRefused(frame)

    def answered(self, call: Call, text: str, now: float) -> None:
        """Note that a call was answered. Results are kept for retries; what failed may be tried again."""
        self._in_progress.pop(call.id, None)
        if call.action not in ALWAYS_NEW and text.startswith("[3"):
            self._memory.remember(call, text, self._socket, now)

    def take_up(self, call: OutgoingCall) -> None:
        """A call of ours is in flight that another session of this station has sent."""
        self.outstanding = call

    def missed(self, outgoing_id: str) -> None:
        """A call of ours ended without an answer: one that comes now is late."""
        if len(self._late) >= REMEMBERED_LATE:
            del self._late[next(iter(self._late))]
        self._late[outgoing_id] = None

    def _receive_call(self, call: Call, now: float) -> Event:
        running = self._in_progress.get(call.id)
        if running is not None and running == fingerprint(call):
            return Ignored("the same call again while it is being served; its answer will come once")
        stored = self._memory.find(call, now)
        if stored is not None and stored[0] == fingerprint(call):
            return Repeated(stored[2], call)
        used_here = running is not None or (stored is not None and stored[1] == self._socket)
        if used_here and call.action not in TRANSACTIONAL and call.action not in ALWAYS_NEW:
            error = ProtocolError("The message id was used before for another message.")
            return Refused(pack_error(call.id, error, self.version), error, "message id used twice")
        if call.action == "BootNotification":
            self._memory.clear()
        self._in_progress[call.id] = fingerprint(call)
        return Incoming(call)

    def _receive_answer(self, frame: CallResult | CallError, now: float) -> Event:
        outgoing = self.outstanding
        if outgoing is not None and outgoing.id == frame.id:
            return Answered(outgoing, frame, self._send_next(now))
        if frame.id in self._late:
            del self._late[frame.id]
            return Late(frame, frame.id, late=True)
        return Late(frame, frame.id, late=False)

    def _refuse(self, frame: Broken | Unknown) -> Event:
        if isinstance(frame, Unknown) and self.version != V201:
            return Ignored(f"unknown message type {frame.type}")
        self._bad_frames += 1
        error, reason = (
            (frame.error, frame.reason)
            if isinstance(frame, Broken)
            else (None, f"unknown message type {frame.type}")
        )
        close = self._bad_frames >= self._max_bad_frames
        return Refused(answer_to_broken(frame, self.version), error, reason, close)

    # we speak

    @property
    def is_serving(self) -> bool:
        """Whether a call of the station is not answered yet."""
        return bool(self._in_progress)

    @property
    def queued(self) -> int:
        """How many of our calls wait for the line."""
        return len(self._queue)

    @property
    def next_deadline(self) -> float | None:
        """When to call `expire`, in the same seconds as `now`; None while nothing is outstanding."""
        moments = [call.expires_at for call, _ in self._queue]
        if self.outstanding is not None:
            moments.append(self.outstanding.deadline)
        return min((moment for moment in moments if moment is not None), default=None)

    def submit(self, call: OutgoingCall, now: float) -> str | None:
        """Give us something to say: the frame to send now, or None when it has to wait its turn.

        Raises QueueFull, SessionClosed after `close`, and TypeError for a payload that is not JSON (packed
        here and not when its turn comes, so that it is the submitter who hears of it).
        """
        if self._closed:
            raise SessionClosed("the station has disconnected")
        text = pack_call(call.id, call.action, call.payload)
        if call.expires_at is None:
            call.expires_at = now + call.timeout
        if self.outstanding is None:
            return self._send(call, text, now)
        if len(self._queue) >= self._queue_limit:
            raise QueueFull(f"{len(self._queue)} calls wait for this station already")
        self._queue.append((call, text))
        return None

    def expire(self, now: float) -> tuple[list[OutgoingCall], str | None]:
        """The calls the station did not answer in time or that waited too long to be sent, and the frame to
        send next, if any.
        """
        overdue = [call for call, _ in self._queue if _has_expired(call, now)]
        if overdue:
            self._queue = deque((call, text) for call, text in self._queue if not _has_expired(call, now))
        outgoing = self.outstanding
        if outgoing is None or outgoing.deadline is None or now < outgoing.deadline:
            return overdue, None
        self.missed(outgoing.id)
        return [outgoing, *overdue], self._send_next(now)

    def close(self) -> list[OutgoingCall]:
        """End the conversation; returns the calls that will never be answered, first submitted first."""
        self._closed = True
        unanswered = [self.outstanding] if self.outstanding is not None else []
        unanswered.extend(call for call, _ in self._queue)
        self.outstanding = None
        self._queue.clear()
        return unanswered

    def _send_next(self, now: float) -> str | None:
        """The first that is still worth sending; `expire` takes the others out of the queue."""
        self.outstanding = None
        for position, (call, text) in enumerate(self._queue):
            if not _has_expired(call, now):
                del self._queue[position]
                return self._send(call, text, now)
        return None

    def _send(self, call: OutgoingCall, text: str, now: float) -> str:
        call.sent_at, call.deadline = now, now + call.timeout
        self.outstanding = call
        return text


def _has_expired(call: OutgoingCall, now: float) -> bool:
    return call.expires_at is not None and now >= call.expires_at
