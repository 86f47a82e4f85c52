"""Configuration keys in the admin: what is held for a station and what it reported."""

from __future__ import annotations

from django.contrib import admin

from configuration.models import ReportedKey, StoredKey
from ocpp_server.operator.base import EvidenceAdmin
from ocpp_server.operator.filters import StationFilter


@admin.register(StoredKey)
class StoredKeyAdmin(EvidenceAdmin):
    """Read only: a change has rules (type, range, read-only keys) that the API and the station page keep."""

    list_display = ["key", "station", "value", "updated_at"]
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
class ReportedKeyAdmin(EvidenceAdmin):
    list_display = ["key", "station", "value", "readonly", "reported_at"]
    list_filter = [StationFilter, "readonly"]
    list_select_related = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = "A whole key, or a station's identity."
    sortable_by = ["key"]
    ordering = ["-id"]
    empty_sentence = "Nothing was read yet. Use “Get configuration” on a station's page."
