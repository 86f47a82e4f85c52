"""The reported configurations of two selected stations side by side."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from configuration.services.variables import drift
from ocpp_server import rights
from ocpp_server.admin.pages import Action
from ocpp_server.rights import Right
from operations import many_stations


def _compare(request: HttpRequest, rows: QuerySet[ChargePoint]) -> HttpResponse | None:
    chosen = list(rows.order_by("identity_key")[:3])
    if len(chosen) != 2:  # noqa: PLR2004 - a comparison has two sides
        messages.error(request, gettext("Select two stations to compare."))
        return None
    found, same_count = drift.compare(*chosen)
    more = {"title": COMPARE.title, "differences": found, "same_count": same_count}
    return many_stations.page(request, "operator/compare.html", chosen, more)


COMPARE = Action("compare", _("Compare the configurations"), rights.role_for(Right.COMMANDS), _compare)
