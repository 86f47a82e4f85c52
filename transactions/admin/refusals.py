"""Refused tokens in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import StationFilter
from transactions.models import (
    Refusal,
)


class WhyFilter(DropdownFilter):
    """By the status. From a list, because asking the table which ones it has reads all of it."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, status) for status in tones.AUTHORIZATION]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Refusal)
class RefusalAdmin(EvidenceAdmin):
    list_display = ["id_token", "station", "status_label", "reason", "purpose", "at"]
    list_filter = [StationFilter, WhyFilter, ("purpose", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id_token", "charge_point")
    search_help_text = "A token, or a station's identity."
    sortable_by = ["at"]
    ordering = ["-at"]
    station_ordering = ("-at",)
    empty_sentence = "Nobody was refused yet. When somebody is, the reason is here."

    @display(description="Status", label=tones.AUTHORIZATION)
    def status_label(self, refusal: Refusal) -> str:
        return refusal.status
