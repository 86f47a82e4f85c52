"""Default tariffs of stations in the admin. The commands of the station page change them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from tariffs.models import StationTariff
from tariffs.services.tariff import checking


@admin.register(StationTariff)
class StationTariffAdmin(EvidenceAdmin):
    json_fields = ("tariff",)
    list_display = ["tariff_id", "station", "place", "state_label", "answer", "valid_from", "set_at"]
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("set_at", MomentFilter)]
    list_select_related = ["charge_point", "command"]
    search_fields = ["tariff_id"]
    exact_search = ("tariff_id", "charge_point")
    search_help_text = _("Search by tariff ID or station")
    sortable_by = ["set_at"]
    ordering = ["-set_at"]
    empty_sentence = _("No tariffs yet. Set a default tariff on a station's page.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = ["command_link" if name == "command" else name for name in super().get_fields(request, obj)]
        return [*fields, "answer"]

    @admin.display(description=_("EVSE"))
    def place(self, row: StationTariff) -> str:
        return str(row.evse_number or gettext("Every EVSE"))

    @admin.display(description=_("Explanation"))
    def answer(self, row: StationTariff) -> str:
        return " ".join(filter(None, (checking.explanation(row.status), row.reason))) or "–"

    @admin.display(description=_("Command"))
    def command_link(self, row: StationTariff) -> str:
        if row.command is None:
            return "–"
        return link(reverse("admin:chargepoints_command_change", args=[row.command.pk]), row.command.action)

    @display(description=_("State"), label=tones.TARIFF)
    def state_label(self, row: StationTariff) -> tuple[str, str]:
        return row.state, row.get_state_display()
