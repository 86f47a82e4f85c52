"""Permissions and labels shared by the accounts pages."""

from __future__ import annotations

from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import access
from ocpp_server.rights import Right

# Labels of the budget fields.
BUDGET_LABELS = {
    "energy_wh_per_day": _("Daily limit (Wh)"),
    "energy_wh_per_month": _("Monthly limit (Wh)"),
}


class AdministratorsOnly:
    """Pages that only administrators may see: operators and API keys."""

    right = Right.LOGINS

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, self.right)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)
