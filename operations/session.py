"""The session page: energy and power, the reasons why it is suspect, and the readings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext

from ocpp_server.admin import cells, tones
from ocpp_server.admin.polling import staff_json
from ocpp_server.admin.totals import CappedPaginator
from ocpp_server.storage.row_numbers import row_number
from operations import changes
from transactions.admin import settling
from transactions.models import Transaction
from transactions.services.metering import courses, energy
from transactions.services.metering.stored import Series, StoredSample

READINGS_PER_PAGE = 50
# A wide screen has room for this many points; more would be drawn over each other.
CHART_POINTS = 600
# The readings of a session of one day with a reading a second; the chart thins them out.
CHART_READINGS = 100_000

Point = tuple[int, float]


class NewestFirst:
    """The samples of a session in the order of the page."""

    def __init__(self, series: Series) -> None:
        self._series = series

    def __iter__(self) -> Iterator[StoredSample]:
        return iter(self[0 : len(self)])

    def __len__(self) -> int:
        return self._series.total()

    # Pages are slices; the stubs ask for single items too.
    def __getitem__(self, part: Any) -> Any:
        first = part.start or 0
        return self._series.page(part.stop - first, newest_first=True, skipped=first)


class ReadingsPaginator(CappedPaginator):
    @cached_property
    def all(self) -> int:
        return len(self.object_list)

    @cached_property
    def count(self) -> int:
        return min(self.all, self.limit)

    @cached_property
    def total(self) -> str:
        return f"{self.all:,}"


def urls(site: admin.AdminSite) -> list[Any]:
    return [path("<int:pk>/live/", live, name="session-live")]


def page(request: HttpRequest, object_id: str) -> HttpResponse:
    session = get_object_or_404(
        Transaction.objects.select_related("charge_point", "token"),
        # Text that is not a number is an unknown session, not an error.
        pk=row_number(object_id) or 0,
    )
    readings = ReadingsPaginator(NewestFirst(Series(session.pk)), READINGS_PER_PAGE)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Session %(number)s") % {"number": session.pk},
        "opts": Transaction._meta,
        "original": session,
        "session": session,
        "snapshot": snapshot(session),
        "readings": readings.get_page(request.GET.get("page")),
        "events": session.events.order_by("seq_no", "id")[:500],
        "quarantined": session.quarantined_messages.order_by("-received_at")[:50],
        "is_running": session.status == Transaction.Status.ACTIVE,
        **settling.context(request, session),
    }
    return TemplateResponse(request, "operator/session.html", context)


@staff_json
def live(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(
        snapshot(get_object_or_404(Transaction.objects.select_related("charge_point"), pk=pk))
    )


def snapshot(session: Transaction) -> dict[str, Any]:
    """The values that change while the vehicle charges; two queries."""
    mark = changes.mark(session.charge_point.identity)
    session.refresh_from_db()
    running = session.is_active
    return {
        "mark": mark,
        "values": {
            "status": cells.label(session.get_status_display(), tones.SESSION.get(session.status, "")),
            "state": cells.text((session.charging_state if running else session.stop_reason) or "–"),
            "energy": cells.live(
                cells.kilowatt_hours(session.energy_wh), f"{session.pk}.energy", is_running=running
            ),
            "power": cells.live(
                cells.kilowatts(session.power_w) if running else "–",
                f"{session.pk}.power",
                is_running=running,
            ),
            "soc": cells.text(
                "–" if session.soc_percent is None else f"{session.soc_percent:.0f}\N{NO-BREAK SPACE}%"
            ),
            "duration": cells.live(
                cells.span(session.started_at, session.stopped_at or timezone.now()),
                f"{session.pk}.duration",
                is_running=running,
            ),
            "meter": cells.text(_register(session.meter_last_wh)),
            "last_message": cells.moment(session.last_message_at),
        },
        "tables": {},
        "charts": {"meter": chart(session)},
        "ended": not running,
    }


def chart(session: Transaction) -> dict[str, list[Point]]:
    """Energy since the start (kWh) and power (kW), as [milliseconds, value], thinned out to the width of a
    screen.
    """
    course = courses.of(session.pk, at_most=CHART_READINGS)
    curve = energy.curve(session, course.registers)
    drawn = [(_milliseconds(at), round(mwh / 1e6, 3)) for at, mwh in curve]
    watts: dict[int, dict[str, float]] = {}
    for at, phases in course.watts.items():
        watts.setdefault(_milliseconds(at), {}).update(phases)
    power = [(at, round(value / 1000, 3)) for at, value in _series(watts)]
    return {"energy": _thinned(drawn), "power": _thinned(power or _slope(drawn))}


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _series(moments: dict[int, dict[str, float]]) -> list[Point]:
    """One value for each time: the total where the station sends it, else the sum of the phases."""
    return [
        (
            at,
            phases[""]
            if "" in phases
            else sum(v for phase, v in phases.items() if phase in {"L1", "L2", "L3"}),
        )
        for at, phases in sorted(moments.items())
        if phases.keys() & {"", "L1", "L2", "L3"}
    ]


def _slope(energy: list[Point]) -> list[Point]:
    """Average power between two readings of the register, for stations that send no power."""
    return [
        (later, round((now - before) / ((later - at) / 3_600_000), 3))
        for (at, before), (later, now) in zip(energy, energy[1:], strict=False)
        if later > at
    ]


def _thinned(points: list[Point]) -> list[Point]:
    step = -(-len(points) // CHART_POINTS) or 1
    return points[::step] if not points or (len(points) - 1) % step == 0 else [*points[::step], points[-1]]


def _register(watt_hours: float | None) -> str:
    return "–" if watt_hours is None else f"{watt_hours / 1000:,.3f}\N{NO-BREAK SPACE}kWh"
