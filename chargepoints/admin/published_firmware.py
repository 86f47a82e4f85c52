"""Published firmware in the admin. The commands of the station page publish and unpublish."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import PublishedFirmware
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter


@admin.register(PublishedFirmware)
class PublishedFirmwareAdmin(EvidenceAdmin):
    json_fields = ("locations",)
    list_display = [
        "__str__", "station", "checksum", "state_label", "status", "reason", "actor", "created_at"
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point", "firmware"]
    search_fields = ["id"]
    exact_search = ("id", "charge_point")
    search_help_text = _("Search by ID or station")
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = _("No published firmware yet. Publish one on the page of a local controller.")

    @display(description=_("State"), label=tones.PUBLISHED_FIRMWARE)
    def state_label(self, row: PublishedFirmware) -> tuple[str, str]:
        return row.state, row.get_state_display()
