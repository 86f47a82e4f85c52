"""The rule for the deletion of a certificate from a station."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import structlog
from django.db.models import Q

from certificates.models import InstalledCertificate
from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, Invalid, Missing
from ocpp_server.error_codes import Code

log = structlog.get_logger(__name__)
_Type = InstalledCertificate.Type

# The station checks the certificate of this server from this security profile on.
_CHECKS_SERVER: Final = 2


def checked(
    charge_point: ChargePoint, installed_id: int, *, is_forced: bool, reason: str, actor: str
) -> InstalledCertificate:
    """The certificate of this station. Raises Missing, Invalid for a forced deletion without a reason, and
    Conflict for one that the station has not listed, and for its last root of this server.
    """
    rows = InstalledCertificate.objects.current().filter(charge_point=charge_point)
    row = rows.filter(pk=installed_id).first()
    if row is None:
        raise Missing(f"Certificate {installed_id} not found at {charge_point.identity}.")
    if row.reported is None:
        raise Conflict(
            "The station has not listed this certificate yet. Send get-installed-certificate-ids first.",
            field="certificateId",
        )
    if is_forced and not reason.strip():
        raise Invalid("A forced deletion needs a reason.", field="reason")
    if is_last_root(charge_point, row):
        if not is_forced:
            raise Conflict(
                f"This is the last CSMS root of {charge_point.identity}, which has security profile "
                f"{charge_point.security_profile}: without it the station can't connect. Install another one "
                "first, or give force and a reason.",
                field="certificateId",
                code=Code.RULE_REFUSED,
            )
        log.warning(
            "certificates.last_root_deleted",
            station=charge_point.identity,
            certificate=row.pk,
            actor=actor,
            reason=reason,
        )
    return row


def is_last_root(charge_point: ChargePoint, row: InstalledCertificate) -> bool:
    """Whether the station would have no valid root for this server without this one. Uses the database."""
    if row.type != _Type.CSMS or charge_point.security_profile < _CHECKS_SERVER:
        return False
    others = InstalledCertificate.objects.current().filter(
        charge_point=charge_point, type=_Type.CSMS, reported__isnull=False
    )
    is_valid = Q(not_after__isnull=True) | Q(not_after__gt=datetime.now(UTC))
    return not others.filter(is_valid).exclude(pk=row.pk).exists()
