"""Configuration keys in the admin: stored by the server, and reported by stations."""

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
from ocpp_server.observability.masking import MASK
from ocpp_server.protocol.secrets import is_secret_name

menu.model(menu.DETAILS, 30, _("Stored keys"), "key_vertical", "configuration_storedkey")
menu.model(menu.DETAILS, 40, _("Reported keys"), "fact_check", "configuration_reportedkey")


class KeyAdmin(EvidenceAdmin):
    """Rows of keys. The value of a secret key is masked, also in rows of earlier versions."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        return ["masked_value" if name == "value" else name for name in fields]

    @admin.display(description=_("Value"), ordering="value")
    def masked_value(self, row: StoredKey | ReportedKey) -> str | None:
        return MASK if row.value and is_secret_name(row.key) else row.value


@admin.register(StoredKey)
class StoredKeyAdmin(KeyAdmin):
    """Read only: the API and the station page check the rules of a change (type, range, read-only keys)."""

    list_display = ["key", "station", "masked_value", "updated_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = _("Search by key or station")
    sortable_by = ["key"]
    ordering = ["-id"]
    empty_sentence = _(
        "Every station uses the defaults. A key appears here when it differs from its default."
    )


@admin.register(ReportedKey)
class ReportedKeyAdmin(KeyAdmin):
    list_display = ["key", "station", "masked_value", "readonly", "reported_at"]
    list_filter = [StationFilter, "readonly"]
    list_select_related = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = _("Search by key or station")
    sortable_by = ["key"]
    ordering = ["-id"]
    empty_sentence = _("No keys yet. Use “Get configuration” on a station's page.")
