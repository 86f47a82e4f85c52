"""Firmware updates in the admin: their progress and results. A station's page and campaigns start them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import Command, FirmwareUpdate
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, link
from ocpp_server.admin.filters import MomentFilter, StationFilter


@admin.register(FirmwareUpdate)
class FirmwareUpdateAdmin(EvidenceAdmin):
    list_display = ["__str__", "station", "state_label", "status", "fault", "actor", "created_at"]
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["version"]
    exact_search = ("pk", "charge_point", "version")
    search_help_text = _("Search by number, station or version")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No firmware updates yet. Send one with Update firmware on a station's page.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return ["command_link" if name == "command" else name for name in super().get_fields(request, obj)]

    @display(description=_("State"), label=tones.FIRMWARE_UPDATE)
    def state_label(self, row: FirmwareUpdate) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description=_("Command"))
    def command_link(self, row: FirmwareUpdate) -> str:
        # The id is stored before the command.
        command = Command.objects.filter(pk=row.command_id).first()
        if command is None:
            return "–"
        return link(reverse("admin:chargepoints_command_change", args=[command.pk]), command.action)
