"""A station that a processor has loaded: its envelopes are handled like the frames of a socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.frames import CALL_ERROR, CALL_RESULT
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.queued_commands import QueuedCalls
from ocpp_server.transport.queue.redis import QueueRedis
from ocpp_server.transport.switchboard import switchboard

# The close codes of a connection whose message was not stored.
_TRY_LATER, _UNSTORABLE = 1013, 1011
# The characters that may precede the message type of a frame.
_OPENING = " \t\r\n\ufeff\x00["


@dataclass(slots=True)
class Outcome:
    """The result of handling the head of a queue: the answers for the session, the id of the command that it
    ended, the new `settles_at`, and the dead letter if the message was given up.
    """

    session_id: str = ""
    answers: list[bytes] = field(default_factory=list)
    ends: str = ""
    settles: str = ""
    letter: str = ""


class QueuedStation:
    """Valid until another processor claims the station. `epoch` belongs to the last claim of this
    processor.
    """

    def __init__(self, station: Station, redis: QueueRedis, *, epoch: int, is_settled: bool) -> None:
        self.station = station
        self.epoch = epoch
        # A legacy gateway would forward a control to the station as if it were a frame.
        self.is_at_legacy_gateway = False
        self.session_id = station.connection_id
        self._redis = redis
        self._is_settled = is_settled
        # The answers to the current message, and why it is not stored.
        self._answers: list[bytes]
        self._refusal: Exception | None
        self.calls: QueuedCalls
        self.connection = StationConnection(
            station,
            send=self._send,
            close=self._close,
            finished=switchboard.finished,
            # The gateway sends the pings and closes silent sockets.
            silence=lambda: 0.0,
            outgoing=self._make_calls,
        )

    async def handle(self, message: Envelope, *, is_repeated: bool) -> Outcome:
        """Handle one frame and store its changes.

        Raises StorageUnavailable when they can be stored later, CommitRefused when they cannot be stored.
        After either the station must be reloaded.
        """
        frame = message.frame
        self._answers, self._refusal, self.calls.ended = [], None, ""
        if frame.lstrip(_OPENING)[:1] in ("3", "4"):
            _, kind, message_id, _ = envelope.read_head(frame)
            if kind in (CALL_RESULT, CALL_ERROR) and message_id:
                is_repeated = is_repeated or self.station.in_doubt
                if not await self.calls.prepare(message_id, is_repeated=is_repeated):
                    return self._outcome()
        now = datetime.now(UTC)
        await self.connection.received(frame, min(message.at or now, now))
        if self._refusal is not None:
            raise self._refusal
        return self._outcome()

    def _outcome(self) -> Outcome:
        settles = ""
        if self.calls.has_settled and not self._is_settled:
            self._is_settled, settles = True, "0"
        return Outcome(self.session_id, self._answers, self.calls.ended, settles)

    def _make_calls(self, *arguments: Any, **named: Any) -> QueuedCalls:
        self.calls = QueuedCalls(self._redis, *arguments, **named)
        return self.calls

    async def _send(self, text: str) -> None:
        station = self.station
        self._answers.append(
            envelope.pack_frame(text, station.identity, session_id=self.session_id, protocol=station.version)
        )

    async def _close(self, code: int, reason: str) -> None:
        if code == _TRY_LATER:
            self._refusal = StorageUnavailable(reason)
        elif code == _UNSTORABLE:
            self._refusal = CommitRefused(reason)
        elif not self.is_at_legacy_gateway:
            self._answers.append(
                envelope.pack_control(
                    envelope.CLOSE,
                    self.station.identity,
                    session_id=self.session_id,
                    code=code,
                    reason=reason,
                )
            )
