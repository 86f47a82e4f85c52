"""The dashboard: the current state of all stations. It merges the cards of all apps."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext

from chargepoints.admin.stations import station_url
from ocpp_server.admin import cards
from ocpp_server.admin.polling import staff_json
from ocpp_server.process import engine
from operations import changes


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK."""
    context["title"] = gettext("Dashboard")
    context["snapshot"] = snapshot(request)
    context["ocpp_url"] = station_url(request, "")
    context["unknown_stations"] = settings.OCPP_UNKNOWN_STATIONS
    return context


@staff_json
def live(request: HttpRequest) -> HttpResponse:
    return JsonResponse(snapshot(request))


def snapshot(request: HttpRequest) -> dict[str, Any]:
    """Everything the dashboard shows; twelve indexed queries, whatever the number of rows."""
    mark = changes.mark()
    shown = cards.draw(timezone.localtime(), user=request.user)
    return {
        "mark": mark,
        "troubles": engine.troubles(),
        "values": shown.values,
        "tables": shown.tables,
        "charts": shown.charts,
    }
