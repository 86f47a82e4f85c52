"""The page with the statistics of alerts: how many, and how long the reactions took."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from alerts.models import Alert
from alerts.services import statistics, words
from alerts.services.statistics import Statistic
from ocpp_server.admin import access
from ocpp_server.rights import Right


class Line(NamedTuple):
    """One row of the page. `href` is the list of the alerts of this code."""

    row: Statistic
    href: str
    to_acknowledge: str
    to_resolve: str


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    access.require(request.user, Right.READ)
    rows = Alert.objects.filter(opened_at__gte=timezone.now() - statistics.SHOWN)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Alert statistics"),
        "opts": Alert._meta,
        "lines": [_line(row) for row in statistics.by_month(rows)],
    }
    return TemplateResponse(request, "operator/alert_statistics.html", context)


def _line(row: Statistic) -> Line:
    href = f"{reverse('admin:alerts_alert_changelist')}?code={row.code}"
    shown = [
        "–" if time is None else words.duration(time) for time in (row.to_acknowledge_s, row.to_resolve_s)
    ]
    return Line(row, href, *shown)
