"""Energy, sessions, use and uptime of a station's connectors over 30 days, and its outages, on its page."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from aggregates.models import ObservedConnector, Outage
from aggregates.services import composing, periods
from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones

DAYS: Final = 30
_OUTAGES_SHOWN: Final = 10
_MWH_IN_WH: Final = 1000


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """A row for each connector that has reported a status, over the days of the site's time zone."""
    found = ObservedConnector.objects.filter(charge_point=charge_point)
    places = sorted(found.values_list("evse_number", "connector_number"))
    site = charge_point.site
    zone = timezone.get_default_timezone() if site is None else site.zone
    now = timezone.now()
    today = now.astimezone(zone).date()
    asked = composing.Asked(periods.DAY, today - timedelta(days=DAYS - 1), today, now)
    keys = {(charge_point.pk, evse, connector): zone for evse, connector in places}
    reports = composing.reports(keys, composing.CONNECTOR, asked)
    drawn = []
    for key in keys:
        _, evse, connector = key
        total = reports[key].total
        drawn.append([
            cells.text(f"{evse} / {connector}"),
            cells.text(cells.kilowatt_hours(total.sums["energy_mwh"] / _MWH_IN_WH)),
            cells.count(total.sums["sessions"]),
            cells.text(_percent(total.utilisation, 0)),
            cells.text(_percent(total.uptime, 2)),
        ])  # fmt: skip
    return drawn


def outages(charge_point: ChargePoint) -> list[cells.Row]:
    """The lasting outages first, then the latest."""
    found = Outage.objects.filter(charge_point=charge_point)
    ordered = found.order_by(F("ended_at").desc(nulls_first=True), "-pk")[:_OUTAGES_SHOWN]
    now = timezone.now()
    return [
        [
            cells.label(outage.get_cause_display(), "" if outage.ended_at else tones.DANGER),
            cells.text(_place(outage), note=outage.error_code),
            cells.moment(outage.began_at),
            cells.text(cells.span(outage.began_at, outage.ended_at or now)),
        ]
        for outage in ordered
    ]


def _place(outage: Outage) -> str:
    if not outage.evse_number:
        return gettext("Station")
    return f"{outage.evse_number} / {outage.connector_number}"


def _percent(part: float | None, digits: int) -> str:
    return "–" if part is None else f"{part * 100:.{digits}f}{cells.NBSP}%"
