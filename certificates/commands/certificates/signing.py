"""CertificateSigned (2.0.1 A02, A03; 1.6 security extension A02)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from certificates.services.certificates import delivery
from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import DomainError, StationOffline
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.observability import tracing
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls


async def _send(
    charge_point: ChargePoint,
    *,
    actor: str,
    timeout: float | None,
    wait: bool,
    number: int | None = None,
) -> Result:
    if not live.state().is_connected(charge_point.identity):
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    pk, action, payload = await journal.run(delivery.to_send, charge_point, number)
    await calls.check(charge_point, action, payload)
    command_id = tracing.command_id()
    await journal.run(delivery.begin, pk, command_id, delivery.timeout_of(timeout))
    try:
        row: Any = await calls.call(
            charge_point,
            action,
            payload,
            actor=actor,
            timeout=timeout,
            wait=wait,
            command_id=command_id,
        )
    except (DomainError, LiveStateUnavailable):
        await journal.run(delivery.not_sent, pk, command_id)
        raise
    return Result(row, {"signingRequestId": pk})


SEND_CERTIFICATE = command(
    delivery.SEND,
    _("Send certificate"),
    _("Send the station the certificate that was signed for it, again if it has it."),
    action=delivery.ACTION,
    icon="workspace_premium",
    position=170,
    fields=(
        fields.Whole(
            "number",
            _("Signing request"),
            name="signingRequestId",
            least=1,
            help=_("The number of the request; the newest with a certificate when empty."),
        ),
    ),
    run=_send,
    is_for_one=True,
    rest=Rest(
        answer="certificates.serializers.signing_requests.SentCertificateSerializer",
        description="The server sends each signed certificate by itself, and again without an answer. "
        "`GET /api/v1/certificates/signing-requests/{signingRequestId}` has the state.",
    ),
)
