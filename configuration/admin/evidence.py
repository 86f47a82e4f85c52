"""Rows of the admin that are read only: keys that the server stores or stations report, local lists, and
network profiles.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from configuration.models import LocalList, NetworkProfile, ReportedKey, StoredKey
from configuration.services.variables import limits
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import StationFilter
from ocpp_server.observability.masking import MASK
from ocpp_server.protocol.secrets import is_secret_name


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
    list_display = ["key", "station", "masked_value", "limits", "readonly", "reported_at", "gone_at"]
    list_filter = [StationFilter, "readonly"]
    json_fields = ("characteristics", "attributes")
    list_select_related = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = _("Search by key or station")
    sortable_by = ["key"]
    ordering = ["-id"]
    empty_sentence = _("No keys yet. Use “Get configuration” on a station's page.")

    @admin.display(description=_("Limits"))
    def limits(self, row: ReportedKey) -> str:
        return limits.words(row) or "–"


@admin.register(LocalList)
class LocalListAdmin(EvidenceAdmin):
    """Read only: “Update local list” on a station's page, or for many stations, sends the lists."""

    list_display = ["station", "coloured_state", "share", "version", "reason", "automatic", "synced_at"]
    list_filter = [StationFilter, "state", "is_automatic"]
    list_select_related = ["charge_point"]
    search_fields = ["charge_point__identity"]
    exact_search = ("charge_point",)
    search_help_text = _("Search by station")
    sortable_by = ["synced_at"]
    ordering = ["-id"]
    fields = [
        "charge_point", "state", "reason", "share", "unfit_count", "capacity", "version", "wanted_version",
        "automatic", "attempts", "last_command", "due_at", "checked_at", "synced_at", "created_at",
    ]  # fmt: skip
    empty_sentence = _("No local lists yet. Use “Update local list” on a station's page.")

    @display(description=_("State"), label=tones.LOCAL_LIST)
    def coloured_state(self, row: LocalList) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description=_("Automatic"), boolean=True)
    def automatic(self, row: LocalList) -> bool:
        return row.is_automatic

    @admin.display(description=_("Tokens"))
    def share(self, row: LocalList) -> str:
        return row.share or "–"


@admin.register(NetworkProfile)
class NetworkProfileAdmin(EvidenceAdmin):
    """Read only: “Set network profile” on a station's page sends them."""

    list_display = [
        "__str__",
        "station",
        "coloured_state",
        "csms_url",
        "security_profile",
        "reason",
        "sent_at",
    ]
    list_filter = [StationFilter, "state"]
    list_select_related = ["charge_point"]
    search_fields = ["csms_url"]
    exact_search = ("charge_point",)
    search_help_text = _("Search by station or address")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    fields = [
        "charge_point", "slot", "state", "reason", "csms_url", "security_profile", "interface",
        "message_timeout", "ocpp_version", "transport", "identity", "sets_password", "has_apn", "vpn_type",
        "vpn_server", "actor", "sent_at", "answered_at",
    ]  # fmt: skip
    empty_sentence = _("No network profiles yet. Use “Set network profile” on a station's page.")

    @display(description=_("State"), label=tones.NETWORK_PROFILE)
    def coloured_state(self, row: NetworkProfile) -> tuple[str, str]:
        return row.state, row.get_state_display()
