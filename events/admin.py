"""The events in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from events.models import Event
from ocpp_server.admin import menu
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter
from ocpp_server.events import catalogue

menu.model(menu.LOGS, 100, _("Events"), "notifications", "events_event")


class TypeFilter(DropdownFilter):
    title = _("Type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(catalogue.EVENTS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class IdentityFilter(TextFilter):
    """Filters by the identity, which an event keeps when its station is deleted."""

    title = _("Station")
    parameter_name = "station"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        identity = (self.value() or "").strip()
        return queryset.filter(station=identity) if identity else queryset


@admin.register(Event)
class EventAdmin(EvidenceAdmin):
    json_fields = ("data",)
    list_display = ["type", "station", "sequence", "position", "at"]
    list_filter = [TypeFilter, IdentityFilter, ("at", MomentFilter)]
    search_fields = ["uid"]
    exact_search = ("station", "uid", "type")
    search_help_text = _("Search by station, event id or type")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No events yet.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["uid", *super().get_fields(request, obj)]

    @admin.display(description=_("Station"))
    def station(self, row: Event) -> str:
        return row.station or "–"
