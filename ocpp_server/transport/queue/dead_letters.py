"""Dead letters: a message that failed several times is given up, so that the ones behind it are handled."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import structlog

from ocpp_server.observability.masking import masked_text
from ocpp_server.protocol import frames
from ocpp_server.protocol.actions import TRANSACTIONAL
from ocpp_server.protocol.dispatch import give_up
from ocpp_server.protocol.versions import V16, VERSIONS
from ocpp_server.storage.journal import journal
from ocpp_server.transport import quarantine
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.station import Outcome

log = structlog.get_logger(__name__)

_REASON = "It could not be handled."


def letter(claim: Claim, reason: str) -> str:
    """A dead letter as JSON: the envelope with masked secrets, the reason and the time."""
    return orjson.dumps(
        {
            "charge_point_id": claim.identity,
            "reason": reason[:500],
            "attempts": claim.attempts,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "envelope": masked_text(claim.head.decode("utf-8", "replace")),
        }
    ).decode()


async def give_up_head(claim: Claim) -> Outcome:
    """Give up the head of a queue. The station gets InternalError. A message about transactions is stored for
    an operator and answered without an error, so that the station does not send it again.

    Raises StorageUnavailable.
    """
    outcome = Outcome(letter=letter(claim, f"{claim.attempts - 1} attempts failed"))
    try:
        message = envelope.parse(claim.head)
    except envelope.Unreadable:
        log.error("processor.poisoned", station=claim.identity, attempts=claim.attempts - 1)
        return outcome
    _, kind, message_id, action = envelope.read_head(message.frame)
    log.error(
        "processor.poisoned",
        station=claim.identity,
        message_id=message_id,
        action=action,
        event_name=message.event,
        attempts=claim.attempts - 1,
    )
    if message.event:
        return outcome
    outcome.session_id = message.session_id or claim.session_id
    version = message.protocol if message.protocol in VERSIONS else V16
    if kind != frames.CALL or message_id is None:
        return outcome
    payload = None
    if action in TRANSACTIONAL:
        received_at = message.at or datetime.now(UTC)
        await _keep(claim.identity, action, message.frame, received_at)
        payload = await quarantine.port.app.answer_given_up(action)
    call = frames.Call(id=message_id, action=action or "", payload="")
    outcome.answers.append(
        envelope.pack_frame(
            give_up(call, version, payload), claim.identity, session_id=outcome.session_id, protocol=version
        )
    )
    return outcome


async def _keep(identity: str, action: str, frame: str, received_at: datetime) -> None:
    """Store the payload of a request in the quarantine. Raises StorageUnavailable."""
    row = await admission.find(identity)
    if row is None:
        return
    parsed = frames.parse(frame, V16)  # all versions read a request alike
    payload = parsed.payload if isinstance(parsed, frames.Call) else frame
    await journal.run(quarantine.port.app.keep_given_up, row.pk, action, payload, _REASON, received_at)
