"""Refused tokens in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import StationFilter
from transactions.models import Refusal


class StatusFilter(DropdownFilter):
    """A filter by status with a fixed list: a query for the existing values would read the whole table."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, status) for status in tones.AUTHORIZATION]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Refusal)
class RefusalAdmin(EvidenceAdmin):
    list_display = ["id_token", "station", "status_label", "reason", "purpose", "at"]
    list_filter = [StationFilter, StatusFilter, ("purpose", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id_token", "charge_point")
    search_help_text = _("Search by token or station")
    sortable_by = ["at"]
    ordering = ["-at"]
    station_ordering = ("-at",)
    empty_sentence = _("No refused tokens yet. Each refusal appears here with its reason.")

    @display(description=_("Status"), label=tones.AUTHORIZATION)
    def status_label(self, refusal: Refusal) -> str:
        return refusal.status
