"""Charging profiles in the admin. The commands of the station page change what is installed."""

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
from ocpp_server.admin.base import EvidenceAdmin, link, session_link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from smart_charging.models import InstalledProfile


@admin.register(InstalledProfile)
class InstalledProfileAdmin(EvidenceAdmin):
    json_fields = ("payload", "dynamic")
    list_display = [
        "profile_id", "station", "place", "purpose", "stack_level", "limits", "session", "source",
        "state_label", "installed_at",
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("installed_at", MomentFilter)]
    list_select_related = ["charge_point", "command"]
    search_fields = ["purpose"]
    exact_search = ("purpose", "charge_point")
    search_help_text = _("Search by purpose or station")
    sortable_by = ["installed_at"]
    ordering = ["-installed_at"]
    empty_sentence = _("No charging profiles yet. Set one on a station's page.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        names = {"command": "command_link", "transaction": "session"}
        return [names.get(name, name) for name in super().get_fields(request, obj)]

    @admin.display(description=_("EVSE"))
    def place(self, profile: InstalledProfile) -> str:
        return str(profile.evse_number or gettext("Whole station"))

    @admin.display(description=_("Limit"))
    def limits(self, profile: InstalledProfile) -> str:
        return profile.limits or "–"

    @admin.display(description=_("Session"))
    def session(self, profile: InstalledProfile) -> str:
        return session_link(profile.transaction_id)

    @admin.display(description=_("Command"))
    def command_link(self, profile: InstalledProfile) -> str:
        if profile.command is None:
            return "–"
        return link(
            reverse("admin:chargepoints_command_change", args=[profile.command.pk]), profile.command.action
        )

    @display(description=_("State"), label=tones.PROFILE)
    def state_label(self, profile: InstalledProfile) -> tuple[str, str]:
        return profile.state, profile.get_state_display()
