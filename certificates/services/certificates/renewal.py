"""Renewal of certificates before they end: the server asks the station for a new CSR (2.0.1 A02, A03)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.conf import settings

from certificates.models import IssuedCertificate, SigningRequest
from certificates.models.signing_request import OPEN
from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.commanding import find
from ocpp_server.domain import DomainError
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

Type = IssuedCertificate.Type
State = IssuedCertificate.State
RENEW: Final = "renew-certificate"
AT_ONCE: Final = 20
# A station that was asked and sent no CSR is asked again after this.
_ASKED_AGAIN: Final = timedelta(days=1)
# The states of a certificate that a station has.
_THERE: Final = (State.INSTALLED, State.ACTIVE, State.NOT_ADOPTED)
_TRIGGERS: Final[dict[str, str]] = {
    Type.STATION: "SignChargingStationCertificate",
    Type.V2G: "SignV2GCertificate",
    Type.V2G_20: "SignV2G20Certificate",
}
_TRIGGER_16: Final = "SignChargePointCertificate"


def trigger_for(version: str, type: str) -> str:
    """The message to trigger for a CSR of this type. 1.6 has one for the station's certificate alone, and the
    command trigger refuses a message that the version does not have.
    """
    return in_dialect(version, _TRIGGER_16 if type == Type.STATION else _TRIGGERS[type], _TRIGGERS[type])


async def renew_due() -> None:
    """Ask the stations whose certificates end within CERTIFICATE_RENEWAL for new CSRs."""
    for certificate_pk, charge_point in await journal.run(_due, datetime.now(UTC)):
        command = find(RENEW)
        assert command is not None
        if not live.state().is_connected(charge_point.identity):
            continue
        type = await journal.run(_asked, certificate_pk)
        try:
            await command.perform(charge_point, actor="server", wait=False, type=type)
        except (DomainError, LiveStateUnavailable) as error:
            log.info("certificate.not_renewed", station=charge_point.identity, reason=str(error))


def _due(now: datetime) -> list[tuple[int, ChargePoint]]:
    """The newest certificates of online stations that end soon, without an open request for another."""
    ending = IssuedCertificate.objects.filter(
        state__in=_THERE,
        type__in=tuple(_TRIGGERS),
        not_after__lt=now + timedelta(seconds=settings.CERTIFICATE_RENEWAL),
        not_after__gt=now,
        charge_point__is_online=True,
    ).exclude(renewal_asked_at__gt=now - _ASKED_AGAIN)
    found: list[tuple[int, ChargePoint]] = []
    for row in ending.select_related("charge_point").order_by("not_after")[: 5 * AT_ONCE]:
        if len(found) == AT_ONCE or row.charge_point is None:
            break
        same = {"charge_point": row.charge_point_id, "type": row.type}
        newer = IssuedCertificate.objects.filter(**same, not_before__gt=row.not_before, state__in=_THERE)
        if not newer.exists() and not SigningRequest.objects.filter(**same, state__in=OPEN).exists():
            found.append((row.pk, row.charge_point))
    return found


def _asked(pk: int) -> str:
    """Note that the station is asked now. Returns the type."""
    rows = IssuedCertificate.objects.filter(pk=pk)
    rows.update(renewal_asked_at=datetime.now(UTC))
    found: str = rows.values_list("type", flat=True).get()
    return found
