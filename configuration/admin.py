"""Configuration keys in the admin: what is held for a station and what it reported."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from configuration.models import ReportedKey, StoredKey
from ocpp_server.admin import menu
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import StationFilter
from ocpp_server.observability.masking import MASK, is_secret_name

menu.model(menu.DETAILS, 50, _("Stored keys"), "key_vertical", "configuration_storedkey")
menu.model(menu.DETAILS, 60, _("Reported keys"), "fact_check", "configuration_reportedkey")


class KeyAdmin(EvidenceAdmin):
    """Rows of keys; the value of a secret's is not shown, whenever it was stored."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        return ["shown_value" if name == "value" else name for name in fields]

    @admin.display(description="Value", ordering="value")
    def shown_value(self, row: StoredKey | ReportedKey) -> str | None:
        return MASK if row.value and is_secret_name(row.key) else row.value


@admin.register(StoredKey)
class StoredKeyAdmin(KeyAdmin):
    """Read only: a change has rules (type, range, read-only keys) that the API and the station page keep."""

    list_display = ["key", "station", "shown_value", "updated_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = "A whole key, or a station's identity."
    sortable_by = ["key"]
    ordering = ["-id"]
    empty_sentence = (
        "Every station uses the defaults. A key appears here as soon as it differs from its default."
    )


@admin.register(ReportedKey)
class ReportedKeyAdmin(KeyAdmin):
    list_display = ["key", "station", "shown_value", "readonly", "reported_at"]
    list_filter = [StationFilter, "readonly"]
    list_select_related = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = "A whole key, or a station's identity."
    sortable_by = ["key"]
    ordering = ["-id"]
    empty_sentence = "Nothing was read yet. Use “Get configuration” on a station's page."
