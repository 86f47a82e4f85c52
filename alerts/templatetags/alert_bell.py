"""The number of open alerts in the head of every page of the admin."""

from __future__ import annotations

from typing import Any

from django import template

from alerts.models import Severity
from alerts.services.counting import open_by_severity
from ocpp_server.admin import access

register = template.Library()


@register.inclusion_tag("operator/alert_bell.html", takes_context=True)
def alert_bell(context: template.Context) -> dict[str, Any]:
    """The number of alerts that need attention, for those who may read them."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not access.may_read(user):
        return {}
    counted = open_by_severity()
    return {"is_shown": True, "total": sum(counted.values()), "critical": counted[Severity.CRITICAL]}
