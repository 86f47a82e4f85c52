"""The certificates of stations in the admin. The commands of the station page change them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from certificates.models import InstalledCertificate
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, link
from ocpp_server.admin.filters import StationFilter


@admin.register(InstalledCertificate)
class InstalledCertificateAdmin(EvidenceAdmin):
    json_fields = ("reported", "children")
    list_display = ["name", "station", "type", "state_label", "not_after", "reported_at"]
    list_filter = [StationFilter, ("type", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter)]
    list_select_related = ["charge_point", "command", "root", "issued"]
    search_fields = ["sha256"]
    exact_search = ("sha256", "serial", "charge_point")
    search_help_text = _("Search by fingerprint, serial number or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No certificates yet. Ask a station on its page for the list of its certificates.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return ["command_link" if name == "command" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("Certificate"))
    def name(self, row: InstalledCertificate) -> str:
        return row.subject or row.serial or "–"

    @admin.display(description=_("Command"))
    def command_link(self, row: InstalledCertificate) -> str:
        if row.command is None:
            return "–"
        return link(reverse("admin:chargepoints_command_change", args=[row.command.pk]), row.command.action)

    @display(description=_("State"), label=tones.INSTALLED_CERTIFICATE)
    def state_label(self, row: InstalledCertificate) -> tuple[str, str]:
        return row.state, row.get_state_display()
