"""Display messages in the admin. The commands of the station page change what is shown."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import Command, DisplayMessage
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, link
from ocpp_server.admin.filters import MomentFilter, StationFilter


@admin.register(DisplayMessage)
class DisplayMessageAdmin(EvidenceAdmin):
    json_fields = ("extra", "display")
    list_display = [
        "number", "station", "content", "priority", "station_state", "state_label", "reason", "actor",
        "created_at",
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id"]
    exact_search = ("id", "charge_point")
    search_help_text = _("Search by ID or station")
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = _("No display messages yet. Set one on the page of a 2.x station.")
    readonly_fields = ("command_link",)

    @display(description=_("State"), label=tones.DISPLAY_MESSAGE)
    def state_label(self, row: DisplayMessage) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description=_("Command"))
    def command_link(self, row: DisplayMessage) -> str:
        command = None if row.is_foreign else Command.objects.filter(pk=row.pk).first()
        if command is None:
            return "–"
        return link(reverse("admin:chargepoints_command_change", args=[command.pk]), command.action)
