"""Battery swaps in the admin: the evidence of what was handed in and out."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import BatterySwap, SwappedBattery
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter


class BatteryInline(TabularInline):
    model = SwappedBattery
    extra = 0
    fields = ("way", "slot", "serial_number", "soc", "soh", "vendor_info", "refusal", "at")
    readonly_fields = fields
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BatterySwap)
class BatterySwapAdmin(EvidenceAdmin):
    inlines = (BatteryInline,)
    list_display = [
        "number", "station", "id_token", "state_label", "reason", "in_at", "out_at", "actor", "created_at"
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id", "id_token", "charge_point", "batteries__serial_number")
    search_help_text = _("Search by ID, token, station or serial number of a battery")
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = _("No battery swaps yet. Swap stations of OCPP 2.1 report them.")

    @display(description=_("State"), label=tones.BATTERY_SWAP)
    def state_label(self, row: BatterySwap) -> tuple[str, str]:
        return row.state, row.get_state_display()
