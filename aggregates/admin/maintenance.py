"""Maintenance windows in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from aggregates.models import MaintenanceWindow
from aggregates.services import maintenance
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin, station_link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.rights import Right


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(OperatorAdmin):
    right = Right.MAINTENANCE
    list_display = ["place", "reason", "begins_at", "ends_at", "note", "author"]
    list_filter = [StationFilter, "reason", ("begins_at", MomentFilter)]
    list_select_related = ["charge_point", "site"]
    search_fields = ["note", "author"]
    search_help_text = _("Search by note or author")
    sortable_by = ["begins_at", "ends_at"]
    ordering = ["-id"]
    autocomplete_fields = ["charge_point", "site"]
    fields = ["charge_point", "site", "begins_at", "ends_at", "reason", "note", "author"]
    empty_sentence = _(
        "No maintenance windows yet. Outages in a window do not count against the uptime of its stations."
    )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ("charge_point", "site", "author") if obj else ("author",)

    def save_model(self, request: HttpRequest, obj: MaintenanceWindow, form: Any, change: bool) -> None:
        if not change:
            obj.author = request.user.get_username()
        super().save_model(request, obj, form, change)
        maintenance.recount(obj, min(form.initial.get("begins_at") or obj.begins_at, obj.begins_at))

    def delete_model(self, request: HttpRequest, obj: MaintenanceWindow) -> None:
        maintenance.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for window in queryset:
            maintenance.delete(window)

    @admin.display(description=_("Place"))
    def place(self, window: MaintenanceWindow) -> str:
        return str(window.site) if window.charge_point is None else station_link(window.charge_point)
