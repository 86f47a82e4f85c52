"""The dashboard's cards of sessions: running ones, the latest ones, and the day by the hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncHour
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from ocpp_server.admin import cards, cells, tones
from ocpp_server.admin.cards import Cards
from transactions.models import QuarantinedMessage, Transaction

RECENT = 8


@dataclass(slots=True)
class _Hour:
    sessions: int = 0
    energy_wh: float = 0.0


def draw(now: datetime, user: Any) -> Cards:
    hours = _hours(now.replace(hour=0, minute=0, second=0, microsecond=0))
    return Cards(
        values=_numbers(hours) | _inboxes(),
        tables={
            "charging": _sessions(Transaction.objects.active(), now),
            "sessions": _sessions(Transaction.objects.all(), now),
        },
        charts={"today": _chart(hours)},
    )


def _hours(midnight: datetime) -> dict[int, _Hour]:
    """The hours of the day: sessions by the hour they began in, energy by the hour it was drawn in."""
    tomorrow = midnight + timedelta(days=1)
    hours: dict[int, _Hour] = defaultdict(_Hour)
    begun = (
        Transaction.objects.of_day(midnight, tomorrow)
        .order_by()
        .annotate(hour=TruncHour("started_at"))
        .values("hour")
        # Sessions of earlier versions have no energy by hour: it counts in the hour of their start.
        .annotate(sessions=Count("pk"), energy=Sum("energy_wh", filter=Q(energy_by_hour__isnull=True)))
    )
    for row in begun:
        hour = hours[timezone.localtime(row["hour"]).hour]
        hour.sessions += row["sessions"]
        hour.energy_wh += row["energy"] or 0
    for seconds, wh in Transaction.objects.drawn_by_hour(midnight, tomorrow).items():
        hours[timezone.localtime(datetime.fromtimestamp(seconds, UTC)).hour].energy_wh += wh
    return hours


def _numbers(hours: Mapping[int, _Hour]) -> dict[str, cells.Cell]:
    running = Transaction.objects.active().aggregate(sessions=Count("pk"), watts=Sum("power_w"))
    energy, watts = sum(hour.energy_wh for hour in hours.values()), running["watts"] or 0
    return {
        "charging": cells.count(running["sessions"]),
        "power": cells.live(
            cells.short_power(watts), "all.power", is_running=True, title=cells.kilowatts(watts)
        ),
        "sessions_today": cells.count(sum(hour.sessions for hour in hours.values())),
        "energy_today": cells.text(cells.short_energy(energy), title=cells.kilowatt_hours(energy)),
    }


def _inboxes() -> dict[str, cells.Cell]:
    return {
        "suspect": cells.count(Transaction.objects.filter(suspect=True).count()),
        "quarantined": cells.count(QuarantinedMessage.objects.filter(resolved_at=None).count()),
    }


def _sessions(queryset: Any, now: datetime) -> list[cells.Row]:
    rows = []
    for session in queryset.select_related("charge_point").order_by("-id")[:RECENT]:
        place = (
            "" if session.evse_number is None else gettext("EVSE %(evse)s") % {"evse": session.evse_number}
        )
        state = cells.label(session.get_status_display(), tones.SESSION.get(session.status, ""))
        if session.suspect:
            state = cells.label(gettext("suspect"), tones.DANGER)
        rows.append([
            cells.text(session.pk, href=reverse("admin:transactions_transaction_change", args=[session.pk])),
            cells.text(
                session.charge_point.identity,
                href=reverse("admin:station", args=[session.charge_point_id]),
                note=place,
            ),
            cells.text(session.id_token or "–"),
            cells.live(
                cells.kilowatt_hours(session.energy_wh), f"{session.pk}.energy", is_running=session.is_active
            ),
            cells.live(
                cells.kilowatts(session.power_w) if session.is_active else "–",
                f"{session.pk}.power",
                is_running=session.is_active,
            ),
            cells.live(
                cells.span(session.started_at, session.stopped_at or now),
                f"{session.pk}.duration",
                is_running=session.is_active,
            ),
            state,
        ])  # fmt: skip
    return rows


def _chart(hours: Mapping[int, _Hour]) -> dict[str, Any]:
    """Sessions by the hour in which they began, energy by the hour in which it was drawn."""
    none = _Hour()
    shown = [hours.get(hour, none) for hour in range(24)]
    return {
        "labels": [f"{hour:02d}" for hour in range(24)],
        "sessions": [hour.sessions for hour in shown],
        "energy": [round(hour.energy_wh / 1000, 2) for hour in shown],
    }


cards.register("transactions", draw)
