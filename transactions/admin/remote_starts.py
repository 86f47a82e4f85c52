"""Remote starts in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import StationFilter
from transactions.models import RemoteStart


@admin.register(RemoteStart)
class RemoteStartAdmin(EvidenceAdmin):
    list_display = ["id_token", "station", "evse_number", "outcome_label", "session", "created_at"]
    list_filter = [StationFilter, ("outcome", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id_token", "charge_point")
    search_help_text = _("Search by token or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No remote starts yet. Start a session from a station's page.")

    @admin.display(description=_("Session"))
    def session(self, start: RemoteStart) -> str:
        return session_link(start.transaction_id)

    @display(description=_("Outcome"), label=tones.REMOTE_START)
    def outcome_label(self, start: RemoteStart) -> tuple[str, str]:
        return start.outcome, start.get_outcome_display()
