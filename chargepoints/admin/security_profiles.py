"""Changes of security profiles in the admin. The command of the station page makes them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import SecurityProfileChange
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter


@admin.register(SecurityProfileChange)
class SecurityProfileChangeAdmin(EvidenceAdmin):
    json_fields = ("steps",)
    list_display = [
        "__str__", "station", "previous", "target", "state_label", "reason", "actor", "created_at"
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["first_command"]
    exact_search = ("first_command", "charge_point")
    search_help_text = _("Search by command or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No changes yet. Use “Upgrade security profile” on a station's page.")

    @display(description=_("State"), label=tones.SECURITY_PROFILE_CHANGE)
    def state_label(self, row: SecurityProfileChange) -> tuple[str, str]:
        return row.state, row.get_state_display()
