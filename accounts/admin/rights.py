"""Who may see what among accounts."""

from __future__ import annotations

from django.db.models import Model
from django.http import HttpRequest

from ocpp_server.admin import access

# What the columns of a budget are called where people read them.
BUDGET_LABELS = {
    "energy_wh_per_day": "Energy a day, Wh",
    "energy_wh_per_month": "Energy a month, Wh",
}


class AdministratorsOnly:
    """Who signs in with which key is nobody else's business."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may_provide(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may_provide(request.user)
