"""The renewal of a certificate: the station is asked for a CSR (2.0.1 A02, A03; 1.6 security extension
A02).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from certificates.models import IssuedCertificate
from certificates.services.certificates import renewal
from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command, find
from ocpp_server.protocol.versions import V16, V201

Type = IssuedCertificate.Type
_LACKING: Final[dict[str, tuple[Type, ...]]] = {V16: (Type.V2G, Type.V2G_20), V201: (Type.V2G_20,)}


def _of_version(field: fields.Choice, charge_point: ChargePoint) -> fields.Choice:
    """The types whose request can be triggered: 1.6 has one, and ISO 15118-20 came with 2.1."""
    lacking = _LACKING.get(charge_point.ocpp_version, ())
    return replace(field, choices=tuple(one for one in field.choices if one[0] not in lacking))


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
            adapt=_of_version,
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
