"""Outages and hours in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from aggregates.models import ConnectorHour, ContractHour, Outage
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.api.fields import amount
from ocpp_server.protocol.translate.energy import wh_of


class _Listed(EvidenceAdmin):
    list_select_related = ["charge_point"]
    exact_search = ("charge_point",)
    search_fields = ["charge_point"]
    search_help_text = _("Search by station")
    sortable_by: tuple[str, ...] = ()

    @admin.display(description=_("Energy"))
    def energy(self, row: Any) -> str:
        return f"{amount(wh_of(row.energy_mwh))} Wh"


@admin.register(Outage)
class OutageAdmin(_Listed):
    list_display = [
        "station",
        "evse_number",
        "connector_number",
        "cause",
        "error_code",
        "began_at",
        "ended_at",
    ]
    list_filter = [StationFilter, "cause", ("began_at", MomentFilter)]
    ordering = ["-id"]
    station_ordering = ("-id",)
    empty_sentence = _("No outages yet: no station was offline, Faulted or Unavailable.")


@admin.register(ConnectorHour)
class ConnectorHourAdmin(_Listed):
    list_display = [
        "station",
        "evse_number",
        "connector_number",
        "hour",
        "energy",
        "sessions",
        "occupied_s",
        "down_s",
    ]
    list_filter = [StationFilter, ("hour", MomentFilter)]
    ordering = ["-hour", "-id"]
    empty_sentence = _("No hours yet. Those with sessions and outages are counted some minutes later.")


@admin.register(ContractHour)
class ContractHourAdmin(_Listed):
    list_display = ["contract", "station", "hour", "energy", "sessions", "occupied_s"]
    list_filter = [StationFilter, ("hour", MomentFilter)]
    list_select_related = ["charge_point", "contract"]
    ordering = ["-hour", "-id"]
    empty_sentence = _("No hours yet. Those with sessions of a contract are counted some minutes later.")
