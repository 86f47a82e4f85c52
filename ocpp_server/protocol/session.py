"""The conversation with one station, without the socket: the meaning of a frame, and when a call may be sent.

Sans-I/O and without a clock: callers pass `now`, in monotonic seconds. Rules of this module: the server has
one outstanding CALL (2.0.1 part 4 4.1.1), answers match by message id only, a late answer never matches the
next call, and a repeated message id is a retry or a mistake but never has a second effect (conformance
R16-R30).
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec

from . import signed
from .actions import ALWAYS_NEW, TRANSACTIONAL
from .errors import OcppError, ProtocolError
from .frames import (
    Broken,
    BrokenAnswer,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Send,
    Unknown,
    answer_to_broken,
    error_of,
    pack_call,
    pack_error,
    parse,
)
from .send_memory import SendMemory
from .versions import V201

REMEMBERED_ANSWERS = 8
REMEMBERED_FOR = (
    300.0  # seconds; longer than any retry interval seen, shorter than most id counters need to wrap
)
REMEMBERED_LATE = 64


class QueueFull(Exception):
    """The queue of calls to this station is full: another call is refused."""


class SessionClosed(Exception):
    """The conversation has ended; a call submitted now would never be sent."""


@dataclass(slots=True)
class OutgoingCall:
    """A CALL of the server. `timeout`, in seconds, starts when the call is sent, not while it is queued.

    The call is not sent after `expires_at`, by default one timeout after it was submitted. Its caller has
    received a failure by then: a remote start must not happen an hour later.
    """

    id: str
    action: str
    payload: dict[str, Any]
    timeout: float = 30.0
    expires_at: float | None = None
    sent_at: float | None = None
    deadline: float | None = None
    actor: str = ""


# --- the meaning of a frame ---------------------------------------------------------------------------------

Answer = CallResult | CallError | BrokenAnswer


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A CALL to be handled; pass its answer to `Session.answered`, errors too."""

    call: Call


class Repeated(msgspec.Struct, frozen=True, gc=False):
    """A CALL that was answered before: send the stored answer again and run no handler."""

    text: str
    call: Call


class Refused(msgspec.Struct, frozen=True):
    """A frame that is not handled: send `text` if there is any, then close (1002) when `close` is true.

    `call` is what could be read of it; `is_broken`: its payload is the text of the whole frame.
    """

    text: str | None
    error: OcppError
    reason: str
    call: Call
    is_broken: bool = False
    close: bool = False


class Answered(msgspec.Struct, frozen=True):
    """The station answered the outstanding call; `next` is the frame to send now, if a call was queued."""

    outgoing: OutgoingCall
    frame: Answer
    next: str | None


class Late(msgspec.Struct, frozen=True):
    """An answer without a waiting caller: to a call that timed out (`late`), or to no known call."""

    frame: Answer
    outgoing_id: str
    late: bool


class Streamed(msgspec.Struct, frozen=True, gc=False):
    """A SEND (2.1): handle it and answer nothing, not even an error."""

    send: Send


class ResultRefused(msgspec.Struct, frozen=True):
    """A CALLRESULTERROR (2.1): the station could not read the server's answer to the call with this id."""

    frame: CallResultError


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A frame that is ignored; the reason is for the log and the counters. Only a call has an action."""

    reason: str
    action: str = ""


Event = Incoming | Repeated | Refused | Answered | Late | Streamed | ResultRefused | Ignored


# --- remembered answers -------------------------------------------------------------------------------------


class ReplayMemory:
    """The last answers to one station, so that a retry gets the same answer and has no second effect.

    It belongs to the station and outlives its sockets, because a closed socket is the usual reason for a
    retry. A message id alone is no match: many stations count from 1 after each start. Of a request only the
    hash is kept.
    """

    __slots__ = ("_answers", "_sockets")

    def __init__(self) -> None:
        self._answers: dict[
            str, tuple[int, float, int, str]
        ] = {}  # id -> (fingerprint, time, socket, answer)
        self._sockets = 0

    def new_socket(self) -> int:
        """A number for a new socket of the station."""
        self._sockets += 1
        return self._sockets

    def clear(self) -> None:
        """Forget all answers: the station has restarted and may count its message ids from 1 again."""
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
    """A hash of action and payload. Two CALLs with equal ids and equal hashes are one message sent twice."""
    return hash((call.action, call.payload))


# --- the conversation ---------------------------------------------------------------------------------------


class Session:
    """Both directions of one socket.

    The caller passes received frames to `receive`, sends every returned frame, and calls `expire` when
    `next_deadline` has passed. Incoming calls never wait for outgoing ones, so calls that cross cannot block
    each other (R25).
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
        "_sends",
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
        self._late: dict[str, None] = {}  # ids of the server's calls that timed out, oldest first
        self._in_progress: dict[str, int] = {}  # ids of the station's unanswered calls -> fingerprint
        self._sends = SendMemory()
        self._max_bad_frames = max_bad_frames
        self._bad_frames = 0
        self._closed = False

    # frames from the station

    def receive(self, text: str, now: float, *, strict: bool = False) -> Event:
        """Return the meaning of a frame. Never raises."""
        frame = signed.unpacked(parse(text, self.version, strict=strict), self.version)
        if isinstance(frame, Call):
            self._bad_frames = 0
            return self._receive_call(frame, now)
        if isinstance(frame, Broken | Unknown):
            return self._refuse(frame, text)
        if isinstance(frame, BrokenAnswer):
            return self._receive_answer(frame, now) or self._refuse(_unmatched(frame), text)
        self._bad_frames = 0
        if isinstance(frame, CallResult | CallError):
            return self._receive_answer(frame, now) or Late(frame, frame.id, late=False)
        if isinstance(frame, Send):
            if self._sends.is_repeated(frame):
                return Ignored("the same SEND again", frame.action)
            return Streamed(frame)
        return ResultRefused(frame)

    def answered(self, call: Call, text: str, now: float) -> None:
        """Record that a call was answered. Only results are kept for retries: a failed call is run again."""
        self._in_progress.pop(call.id, None)
        if call.action not in ALWAYS_NEW and text.startswith("[3"):
            self._memory.remember(call, text, self._socket, now)

    def take_up(self, call: OutgoingCall) -> None:
        """Set the outstanding call, which another session of this station has sent."""
        self.outstanding = call

    def missed(self, outgoing_id: str) -> None:
        """Record that a call of the server ended without an answer: an answer from now on is late."""
        if len(self._late) >= REMEMBERED_LATE:
            del self._late[next(iter(self._late))]
        self._late[outgoing_id] = None  # equivalent: only the ids are read

    def _receive_call(self, call: Call, now: float) -> Event:
        running = self._in_progress.get(call.id)
        if running is not None and running == fingerprint(call):
            reason = "the same call again while it is being served; its answer will come once"
            return Ignored(reason, call.action)
        stored = self._memory.find(call, now)
        if stored is not None and stored[0] == fingerprint(call):
            return Repeated(stored[2], call)
        used_here = running is not None or (stored is not None and stored[1] == self._socket)
        used_here = used_here or call.id in self._sends
        if used_here and call.action not in TRANSACTIONAL and call.action not in ALWAYS_NEW:
            error = ProtocolError("The message id was used before for another message.")
            text = pack_error(call.id, error, self.version)
            return Refused(text, error, "message id used twice", call)
        if call.action == "BootNotification":
            self._memory.clear()
            self._sends.clear()
        self._in_progress[call.id] = fingerprint(call)
        return Incoming(call)

    def _receive_answer(self, frame: Answer, now: float) -> Event | None:
        """The meaning of an answer; None for the answer to no known call."""
        outgoing = self.outstanding
        if outgoing is not None and outgoing.id == frame.id:
            return Answered(outgoing, frame, self._send_next(now))
        if frame.id in self._late:
            del self._late[frame.id]
            return Late(frame, frame.id, late=True)
        return None

    def _refuse(self, frame: Broken | Unknown, text: str) -> Event:
        if isinstance(frame, Unknown):
            reason, action = f"unknown message type {frame.type}", ""
            if self.version != V201:
                return Ignored(reason)
        else:
            reason, action = frame.reason, frame.action
        self._bad_frames += 1
        message_id = "" if frame.id is None else str(frame.id)
        return Refused(
            answer_to_broken(frame, self.version),
            error_of(frame),
            reason,
            Call(id=message_id, action=action, payload=text),
            is_broken=True,
            close=self._bad_frames >= self._max_bad_frames,
        )

    # calls to the station

    @property
    def is_serving(self) -> bool:
        """Whether a call of the station is still without an answer."""
        return bool(self._in_progress)

    @property
    def queued(self) -> int:
        """The number of calls that wait to be sent."""
        return len(self._queue)

    @property
    def next_deadline(self) -> float | None:
        """When to call `expire`, in the seconds of `now`; None while no call is outstanding or queued."""
        moments = [call.expires_at for call, _ in self._queue]
        if self.outstanding is not None:
            moments.append(self.outstanding.deadline)
        return min((moment for moment in moments if moment is not None), default=None)

    def submit(self, call: OutgoingCall, now: float) -> str | None:
        """Send or queue a call. Returns the frame to send now, or None when the call has to wait.

        Raises QueueFull, SessionClosed after `close`, and TypeError for a payload that is not JSON (the frame
        is packed here and not when it is sent, so that the caller gets the error).
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
        """End the calls that timed out or waited too long; return them and the next frame, if any."""
        overdue = [call for call, _ in self._queue if _has_expired(call, now)]
        if overdue:
            self._queue = deque((call, text) for call, text in self._queue if not _has_expired(call, now))
        outgoing = self.outstanding
        if outgoing is None or outgoing.deadline is None or now < outgoing.deadline:
            return overdue, None
        self.missed(outgoing.id)
        return [outgoing, *overdue], self._send_next(now)

    def close(self) -> list[OutgoingCall]:
        """End the conversation. Returns the calls that will never be answered, in the order of submission."""
        self._closed = True
        unanswered = [self.outstanding] if self.outstanding is not None else []
        unanswered.extend(call for call, _ in self._queue)
        self.outstanding = None
        self._queue.clear()
        return unanswered

    def _send_next(self, now: float) -> str | None:
        """Send the first call that has not expired; `expire` takes the others out of the queue."""
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


def _unmatched(frame: BrokenAnswer) -> Broken:
    """A broken answer to no known call. It is not answered."""
    return Broken(frame.reason, None, frame.id, frame.type)


def _has_expired(call: OutgoingCall, now: float) -> bool:
    return call.expires_at is not None and now >= call.expires_at
