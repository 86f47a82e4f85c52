"""Unknown stations in the queue: those of legacy gateways, which check no handshake, and removed ones."""

from __future__ import annotations

import structlog

from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.admission import Handshake, Refusal
from ocpp_server.transport.handshake.first_boot import FirstBoot
from ocpp_server.transport.handshake.known_station import KnownStation
from ocpp_server.transport.queue import dead_letters, envelope
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.station import Outcome

log = structlog.get_logger(__name__)


def unknown(claim: Claim) -> Outcome:
    """The outcome for a charge point that was removed after the gateway admitted it, or that never
    existed.
    """
    log.warning("processor.unknown_station", station=claim.identity)
    return Outcome(letter=dead_letters.letter(claim, "no such charge point"))


async def first_boot(
    claim: Claim, message: Envelope, *, session_id: str, version: str, address: str
) -> KnownStation | Outcome:
    """Apply the rule for unknown stations to a frame of a legacy gateway. Returns the row of the station when
    the frame is the boot that has added it, otherwise the outcome of the frame.
    """
    handshake = Handshake(
        path="",
        identity=claim.identity,
        offered=[],
        address=address,
        authorization=None,
        origin="",
        is_tls=False,
        protocol_header="",
    )
    try:
        admission.check_unknown(handshake)
    except Refusal as refusal:
        return Outcome() if refusal.is_repeated else unknown(claim)
    outcome = Outcome(session_id=session_id)

    async def send(text: str) -> None:
        outcome.answers.append(
            envelope.pack_frame(text, claim.identity, session_id=session_id, protocol=version)
        )

    async def close(code: int, reason: str) -> None:
        """Do nothing: a legacy gateway would forward a control to the station as if it were a frame."""

    conversation = FirstBoot(handshake, version, send=send, close=close, enter=_register)
    station = await conversation.received(message.frame)
    if station is None:
        await conversation.record_unbooted()
    return station or outcome


async def _register(handshake: Handshake) -> KnownStation:
    return await admission.register(handshake.identity)
