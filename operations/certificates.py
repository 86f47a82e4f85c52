"""The certificates of the station, on the station page."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext

from certificates.models import InstalledCertificate
from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones

FEW: Final = 20
_SOON: Final = timedelta(days=30)


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The certificates that the station has, by type."""
    current = InstalledCertificate.objects.current().filter(charge_point=charge_point)
    return [_row(one) for one in current.order_by("type", "-pk")[:FEW]]


def _row(one: InstalledCertificate) -> cells.Row:
    name = one.subject or gettext("Unknown, serial number %(serial)s") % {"serial": one.serial}
    crossed = gettext("cross-signed") if one.is_cross_signed else ""
    return [
        cells.text(one.pk, href=reverse("admin:certificates_installedcertificate_change", args=[one.pk])),
        cells.text(name, note=one.reason or crossed),
        cells.text(one.get_type_display()),
        cells.label(one.get_state_display(), tones.INSTALLED_CERTIFICATE.get(one.state, "")),
        _until(one),
        cells.moment(one.reported_at),
    ]


def _until(one: InstalledCertificate) -> cells.Cell:
    """The day of the end; coloured when that is soon, or over."""
    if one.not_after is None:
        return cells.text("–")
    now = timezone.now()
    day = formats.date_format(timezone.localtime(one.not_after), "DATE_FORMAT")
    if one.not_after <= now:
        return cells.label(day, tones.DANGER, note=gettext("expired"))
    return cells.label(day, tones.WARNING) if one.not_after - now < _SOON else cells.text(day)
