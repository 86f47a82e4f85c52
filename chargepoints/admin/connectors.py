"""EVSEs and connectors in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import Connector, Evse
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import StationFilter


@admin.register(Evse)
class EvseAdmin(EvidenceAdmin):
    list_display = ["number", "station"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["charge_point__identity_key"]
    exact_search = ("charge_point",)
    search_help_text = _("Search by station")
    sortable_by = ["number"]
    ordering = ["-id"]
    empty_sentence = _("No EVSEs yet. They appear when a station reports the status of its connectors.")


@admin.register(Connector)
class ConnectorAdmin(EvidenceAdmin):
    list_display = ["place", "station", "state", "availability", "error_code", "status_received_at"]
    list_filter = [StationFilter, ("availability", ChoicesDropdownFilter), "is_provisional"]
    list_select_related = ["charge_point", "evse"]
    search_fields = ["status"]
    exact_search = ("status", "charge_point")
    search_help_text = _("Search by status, such as Faulted, or station")
    sortable_by = ["station"]
    ordering = ["-id"]
    empty_sentence = _("No connectors yet. They appear when a station reports their status.")

    @admin.display(description=_("EVSE / connector"))
    def place(self, connector: Connector) -> str:
        return f"{connector.evse.number} / {connector.number}"

    @display(description=_("Status"), label=tones.CONNECTOR | tones.ONLINE)
    def state(self, connector: Connector) -> tuple[str, str]:
        online = connector.charge_point.is_online
        words, _ = tones.station_status(connector.status, is_online=online)
        return (connector.status if online else "Offline"), words
