"""The renewal of a certificate: the station is asked for a CSR (2.0.1 A02, A03; 1.6 security extension
A02).
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from certificates.models import IssuedCertificate
from certificates.services.certificates import renewal
from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command, find

Type = IssuedCertificate.Type


async def _renew(
    charge_point: ChargePoint, *, type: str = Type.STATION, force: bool = False, **how: Any
) -> Result:
    trigger = find("trigger")
    assert trigger is not None
    message = renewal.trigger_for(charge_point.ocpp_version, type)
    result = await trigger.perform(charge_point, message=message, force=force, **how)
    # The answer is that of a plain command, and not the one of the trigger.
    return Result(result.command, warning=result.warning)


RENEW_CERTIFICATE = command(
    renewal.RENEW,
    _("Renew certificate"),
    _("Ask the station for a signing request. It gets a new certificate when that is signed."),
    icon="autorenew",
    position=171,
    fields=(
        fields.Choice(
            "type",
            _("Certificate"),
            name="certificateType",
            choices=tuple((value, label) for value, label in Type.choices if value != Type.SERVER),
            default=Type.STATION,
        ),
        fields.Flag(
            "force",
            _("Force"),
            help=_("Send it although the station has answered NotImplemented before."),
        ),
    ),
    run=_renew,
    rest=Rest(
        description="ExtendedTriggerMessage in 1.6, TriggerMessage in 2.x; `GET "
        "/api/v1/certificates/signing-requests?clientId=...` has what follows. The server does the same by "
        "itself before a certificate ends (CERTIFICATE_RENEWAL).",
    ),
)
