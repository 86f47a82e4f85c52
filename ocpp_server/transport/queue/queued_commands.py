"""Commands to a station at a gateway. Their queue is in Redis, and any processor may handle an answer.

`ocpp_server.transport.command_results` stores the results, as it does for a socket in this process.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
import structlog

from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station
from ocpp_server.protocol.session import Answered, Late, OutgoingCall, Session
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.command_queue import Close
from ocpp_server.transport.command_results import CommandResults, Finished, Send, end_unanswered
from ocpp_server.transport.command_store import State
from ocpp_server.transport.messages import StationCall
from ocpp_server.transport.queue import downlink, envelope
from ocpp_server.transport.queue.keys import script
from ocpp_server.transport.queue.redis import QueueRedis
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# How long handling an answer may take before the command may end as unanswered.
ANSWER_HANDLING_MS = 60_000
STATIONS_A_SWEEP = 100
# The shortest and the longest pause between two checks of deadlines.
SOONEST_S, LATEST_S = 0.05, 0.5

_ANSWERED, _EXPIRE, _DROP = (
    script("queued_commands", "call_answered"),
    script("queued_commands", "call_expire"),
    script("queued_commands", "call_drop"),
)
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode


class QueuedCalls:
    """The counterpart of `OutgoingCalls` for the queue in Redis. `ended` is the id of the command that the
    current message answered.
    """

    def __init__(
        self,
        redis: QueueRedis,
        station: Station,
        session: Session,
        *,
        send: Send,
        close: Close,
        finished: Finished,
    ) -> None:
        self._redis = redis
        self._station = station
        self._session = session
        self._finished = finished
        self._results = CommandResults(station, send=send, finished=finished)
        self.ended = ""
        self.has_settled = False

    async def prepare(self, message_id: str, *, is_repeated: bool) -> bool:
        """Find the command of an answer. False when the answer was handled before and only has to be removed.

        Raises StorageUnavailable.
        """
        found = await self._redis.run(_ANSWERED, self._station.identity, message_id, ANSWER_HANDLING_MS)
        if not found:
            if await journal.run(command_store.port.app.has_timed_out, message_id, self._station.pk):
                self._session.missed(message_id)
            return True
        action, age_ms, left_ms, timeout_ms, reply_to, packed, actor = (part.decode() for part in found)
        if is_repeated and await journal.run(command_store.port.app.is_finished, message_id):
            self.ended = message_id
            await self._finished(message_id, reply_to)
            return False
        now = time.monotonic()
        self._results.expect(message_id, reply_to)
        self._session.take_up(
            OutgoingCall(
                message_id,
                action,
                msgspec.json.decode(_payload(packed)),
                int(timeout_ms) / 1000,
                expires_at=now + int(left_ms) / 1000,
                sent_at=now - int(age_ms) / 1000,
                actor=actor,
            )
        )
        return True

    async def call(self, command: StationCall) -> None:
        """Queue a command."""
        station = self._station
        connection = Connection(
            id=station.connection_id,
            identity=station.identity,
            version=station.version,
            channel="",
            remote_address="",
            connected_at=station.received_at,
        )
        await downlink.submit(connection, command)

    def settled(self) -> None:
        """Note that the station has sent its first message."""
        self.has_settled = True

    async def answered(self, event: Answered) -> None:
        """Handle the answer. The commit in Redis sends the next command."""
        await self._results.answered(event.outgoing, event.frame)
        self.ended = event.outgoing.id

    async def late(self, event: Late) -> None:
        """Store the answer to a command that had ended without one."""
        await self._results.late(event)

    async def closed(self) -> None:
        """End the commands that were not answered, because the connection is closed."""
        await drop(self._redis, self._station.identity)


async def drop(redis: QueueRedis, identity: str | bytes) -> None:
    """End the commands of a station's earlier connections. Raises StorageUnavailable."""
    for ended in await redis.run(_DROP, identity):
        await _end(ended)


async def sweep(redis: QueueRedis) -> float:
    """End the commands of all processes whose deadline has passed. Returns the seconds until the next check.

    Raises StorageUnavailable.
    """
    wait_ms, ended, sent = await redis.run(_EXPIRE, STATIONS_A_SWEEP)
    for one in ended:
        await _end(one)
    for message_id in sent:
        await journal.run(command_store.port.app.mark_sent, message_id.decode(), datetime.now(UTC))
    wait = int(wait_ms)
    return LATEST_S if wait < 0 else min(max(wait / 1000, SOONEST_S), LATEST_S)


async def _end(ended: list[bytes]) -> None:
    identity, message_id, cause, age_ms, reply_to, packed = (
        part.decode("utf-8", "replace") for part in ended
    )
    await end_unanswered(
        message_id,
        identity=identity,
        state=State.TIMEOUT if cause == "timeout" else State.DISCONNECTED,
        request=_payload(packed),
        seconds=None if age_ms == "-1" else int(age_ms) / 1000,
    )
    await switchboard.finished(message_id, reply_to)


def _payload(packed: str) -> str:
    """The JSON text of a command's payload, from its envelope."""
    return str(memoryview(_decode_parts(envelope.parse(packed).frame)[3]), "utf-8")
