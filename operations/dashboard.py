"""The first page: what is happening now. One snapshot draws it, and another every three seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.models import UnknownToken
from chargepoints.models import ChargePoint, Connector, RefusedConnection
from ocpp_server.admin import access, cells, tones
from ocpp_server.process import engine
from transactions.models import QuarantinedMessage, Transaction

RECENT = 8


@dataclass(slots=True)
class _Hour:
    sessions: int = 0
    energy_wh: float = 0.0


def staff_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For the pages' own polling: an ended session is a 401 the page can say, not a redirect it would
    parse.
    """

    @wraps(view)
    @never_cache
    @require_GET
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not access.may_read(request.user):
            return JsonResponse({"detail": "You are signed out."}, status=401)
        return view(request, *args, **kwargs)

    return guarded


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK."""
    context["title"] = "Dashboard"
    context["snapshot"] = snapshot(request)
    context["ocpp_url"] = ocpp_url(request)
    context["unknown_stations"] = settings.OCPP_UNKNOWN_STATIONS
    return context


def ocpp_url(request: HttpRequest) -> str:
    """The address to type into a charger, as seen from this browser."""
    scheme = "wss" if request.is_secure() else "ws"
    return f"{scheme}://{request.get_host()}/ocpp/"


@staff_json
def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse(snapshot(request))


def snapshot(request: HttpRequest) -> dict[str, Any]:
    """Everything the dashboard shows; twelve indexed queries, whatever the number of rows."""
    now = timezone.localtime()
    hours = _hours(now.replace(hour=0, minute=0, second=0, microsecond=0))
    provides = access.may_provide(request.user)
    return {
        "troubles": engine.troubles(),
        "values": _numbers(hours) | _inboxes(),
        "tables": {
            "charging": _sessions(Transaction.objects.active(), now),
            "sessions": _sessions(Transaction.objects.all(), now),
            "refused": _refused(provides),
            "tokens": _tokens(provides),
            "faults": _faults(),
        },
        "charts": {"today": _chart(hours)},
    }


def _hours(midnight: datetime) -> dict[int, _Hour]:
    """The hours of the day: sessions by the hour they began in, energy by the hour it was drawn in."""
    tomorrow = midnight + timedelta(days=1)
    hours: dict[int, _Hour] = defaultdict(_Hour)
    begun = (
        Transaction.objects.of_day(midnight, tomorrow)
        .order_by()
        .annotate(hour=TruncHour("started_at"))
        .values("hour")
        # Sessions of earlier versions don't say when their energy was drawn.
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
    faults = Connector.objects.filter(status="Faulted").count()
    energy = sum(hour.energy_wh for hour in hours.values())
    return {
        "online": cells.text(ChargePoint.objects.online().count()),
        "known": cells.text(f"of {ChargePoint.objects.count()} known"),
        "charging": cells.text(running["sessions"]),
        "power": cells.text(cells.kilowatts(running["watts"] or 0)),
        "faults": cells.label(faults, tones.DANGER) if faults else cells.text(0),
        "sessions_today": cells.text(sum(hour.sessions for hour in hours.values())),
        "energy_today": cells.text(cells.kilowatt_hours(energy)),
    }


def _inboxes() -> dict[str, cells.Cell]:
    return {
        "suspect": cells.text(Transaction.objects.filter(suspect=True).count()),
        "quarantined": cells.text(QuarantinedMessage.objects.filter(resolved_at=None).count()),
        "pending": cells.text(
            ChargePoint.objects.filter(registration_status=ChargePoint.Registration.PENDING).count()
        ),
    }


def _sessions(queryset: Any, now: datetime) -> list[cells.Row]:
    rows = []
    for session in queryset.select_related("charge_point").order_by("-id")[:RECENT]:
        place = "" if session.evse_number is None else f"EVSE {session.evse_number}"
        state = cells.label(session.get_status_display(), tones.SESSION.get(session.status, ""))
        if session.suspect:
            state = cells.label("suspect", tones.DANGER)
        rows.append([
            cells.text(session.pk, href=reverse("admin:transactions_transaction_change", args=[session.pk])),
            cells.text(
                session.charge_point.identity,
                href=reverse("admin:station", args=[session.charge_point_id]),
                note=place,
            ),
            cells.text(session.id_token or "–"),
            cells.text(cells.kilowatt_hours(session.energy_wh)),
            cells.text(cells.kilowatts(session.power_w) if session.stopped_at is None else "–"),
            cells.text(cells.span(session.started_at, session.stopped_at or now)),
            state,
        ])  # fmt: skip
    return rows


def _refused(provides: bool) -> list[cells.Row]:
    rows = []
    for refused in RefusedConnection.objects.order_by("-at")[:RECENT]:
        accept = reverse("admin:refused-accept", args=[refused.pk])
        can_accept = provides and refused.can_be_accepted and refused.identity
        rows.append([
            cells.text(refused.identity or refused.path, note=refused.remote_address),
            cells.text(refused.reason, note=f"{refused.count} times" if refused.count > 1 else ""),
            cells.moment(refused.at),
            cells.button("Accept", accept) if can_accept else cells.text(""),
        ])  # fmt: skip
    return rows


def _tokens(provides: bool) -> list[cells.Row]:
    rows = []
    for unknown in UnknownToken.objects.filter(is_ignored=False).order_by("-last_seen_at")[:RECENT]:
        add = cells.button("Add", reverse("admin:unknown-token-add", args=[unknown.pk]))
        ignore = cells.button(
            "Ignore", reverse("admin:unknown-token-ignore", args=[unknown.pk]), tone="quiet"
        )
        rows.append([
            cells.text(unknown.uid, note=unknown.last_seen_where),
            cells.text(f"{unknown.count}×"),
            cells.moment(unknown.last_seen_at),
            cells.buttons([add, ignore] if provides else []),
        ])  # fmt: skip
    return rows


def _faults() -> list[cells.Row]:
    faulted = Connector.objects.filter(status="Faulted").select_related("charge_point", "evse")
    return [
        [
            cells.text(
                connector.charge_point.identity,
                href=reverse("admin:station", args=[connector.charge_point_id]),
                note=f"EVSE {connector.evse.number}, connector {connector.number}",
            ),
            cells.label(connector.error_code or "Faulted", tones.DANGER, note=connector.info),
            cells.moment(connector.status_received_at),
        ]
        for connector in faulted.order_by("-id")[:RECENT]
    ]


def _chart(hours: Mapping[int, _Hour]) -> dict[str, Any]:
    """Sessions by the hour in which they began, energy by the hour in which it was drawn."""
    none = _Hour()
    shown = [hours.get(hour, none) for hour in range(24)]
    return {
        "labels": [f"{hour:02d}" for hour in range(24)],
        "sessions": [hour.sessions for hour in shown],
        "energy": [round(hour.energy_wh / 1000, 2) for hour in shown],
    }
