"""The certificates of the station, on the station page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext

from certificates.models import InstalledCertificate
from certificates.services.certificates import root_sets
from certificates.services.certificates.root_sets import Wanted, WantedRoot
from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones

FEW: Final = 20
_SOON: Final = timedelta(days=30)


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The roots that the station is to have and does not have, then the certificates that it has, by type."""
    current = InstalledCertificate.objects.current().filter(charge_point=charge_point)
    there = (Wanted.INSTALLED, Wanted.ACCEPTED)
    lacking = [one for one in root_sets.of_station(charge_point) if one.state not in there]
    return [*map(_lacking, lacking), *map(_row, current.order_by("type", "-pk")[:FEW])]


def _lacking(one: WantedRoot) -> cells.Row:
    words = {
        Wanted.MISSING: gettext("Missing"),
        Wanted.UNKNOWN: gettext("Not listed yet"),
        Wanted.NOT_SUPPORTED: gettext("Not supported"),
    }
    return [
        cells.text("–"),
        cells.text(
            one.root,
            href=reverse("admin:certificates_trustroot_change", args=[one.root.pk]),
            note=gettext("wanted by the root set %(name)s") % {"name": one.root_set},
        ),
        cells.text(InstalledCertificate.Type(one.certificate_type).label),
        cells.label(words.get(one.state, one.state), tones.WANTED_ROOT.get(one.state, "")),
        _until(one.root.not_after),
        cells.moment(None),
    ]


def _row(one: InstalledCertificate) -> cells.Row:
    name = one.subject or gettext("Unknown, serial number %(serial)s") % {"serial": one.serial}
    crossed = gettext("cross-signed") if one.is_cross_signed else ""
    return [
        cells.text(one.pk, href=reverse("admin:certificates_installedcertificate_change", args=[one.pk])),
        cells.text(name, note=one.reason or crossed),
        cells.text(one.get_type_display()),
        cells.label(one.get_state_display(), tones.INSTALLED_CERTIFICATE.get(one.state, "")),
        _until(one.not_after),
        cells.moment(one.reported_at),
    ]


def _until(end: datetime | None) -> cells.Cell:
    """The day of the end; coloured when that is soon, or over."""
    if end is None:
        return cells.text("–")
    now = timezone.now()
    day = formats.date_format(timezone.localtime(end), "DATE_FORMAT")
    if end <= now:
        return cells.label(day, tones.DANGER, note=gettext("expired"))
    return cells.label(day, tones.WARNING) if end - now < _SOON else cells.text(day)
