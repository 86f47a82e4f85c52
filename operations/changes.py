"""The poll of the live pages: whether something they show has changed, and the readings of running sessions.

A poll costs one look-up by primary key, and a second one while the page shows running sessions. The page
requests its snapshot only when the mark differs from the one of its last snapshot. What makes no event
(heartbeats, the message log, repeated statuses) does not change the mark; the page shows it with its next
snapshot, which it requests every ten seconds anyway (`operator.js`).

The readings come from the rows of the sessions and not from the live state: a message about energy is
answered after its row was written, so the row is as new. Other processes have no copy of the readings, which
would cost a write to Redis with every meter message.
"""

from __future__ import annotations

from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from chargepoints.models import ChargePoint
from events.models import StationStream
from events.services import reading
from ocpp_server import live, sites
from ocpp_server.admin import cells
from ocpp_server.admin.polling import staff_json
from ocpp_server.process import engine
from ocpp_server.storage.row_numbers import row_number
from transactions.models import Transaction

# The most sessions that a page asks about.
_SESSIONS = 50


def mark(station: str = "") -> str:
    """A text that changes with each event of the station, or of any station, and with presence.

    Read it before the rows of a snapshot: a change in between then makes one snapshot too many, and not one
    too few.
    """
    state = live.state()
    # station.offline comes after EVENT_OFFLINE_AFTER; a page shows it at once.
    if not station:
        return f"{reading.last_position()}/{len(state.connected())}"
    sequence = StationStream.objects.filter(pk=station).values_list("sequence", flat=True).first() or 0
    return f"{sequence}/{int(state.is_connected(station))}"


@staff_json
def changes(request: HttpRequest) -> HttpResponse:
    # PostgreSQL refuses a query for text with NUL.
    station = request.GET.get("station", "").replace("\0", "")
    if station and sites.is_limited() and not ChargePoint.objects.by_identity(station).exists():
        raise Http404
    return JsonResponse(
        {
            "mark": mark(station),
            "troubles": engine.troubles(),
            "readings": _readings(request.GET.get("sessions", "").split(",")[:_SESSIONS]),
        }
    )


def _readings(shown: list[str]) -> dict[str, str]:
    """Energy, power and duration of those sessions that are running, by the names in the snapshot's cells.

    `all` is the power of all running sessions.
    """
    found: dict[str, str] = {}
    running = Transaction.objects.active()
    if "all" in shown:
        watts = running.aggregate(watts=Sum("power_w"))["watts"]
        found["all.power"] = cells.short_power(watts or 0)
    numbers = [number for number in map(row_number, shown) if number is not None]
    if numbers:
        now = timezone.now()
        columns = ("pk", "energy_wh", "power_w", "started_at")
        for number, energy_wh, power_w, started_at in running.filter(pk__in=numbers).values_list(*columns):
            found[f"{number}.energy"] = cells.kilowatt_hours(energy_wh)
            found[f"{number}.power"] = cells.kilowatts(power_w)
            found[f"{number}.duration"] = cells.span(started_at, now)
    return found
