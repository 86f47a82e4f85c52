"""Diagnostics and logs of stations in the admin: what was asked for, and the files that have arrived."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import LogUpload
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.rights import Right


@admin.register(LogUpload)
class LogUploadAdmin(EvidenceAdmin):
    list_display = [
        "kind_label", "station", "state_label", "status", "file_name", "size_words", "download", "actor",
        "created_at",
    ]  # fmt: skip
    list_filter = [
        StationFilter,
        ("kind", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("created_at", MomentFilter),
    ]
    list_select_related = ["charge_point"]
    search_fields = ["file_name"]
    exact_search = ("pk", "charge_point", "file_name")
    search_help_text = _("Search by number, station or file name")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No logs yet. Ask for one with Get log or Get diagnostics on a station's page.")

    # Only those who may download get the links.

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        fields = super().get_fields(request, obj)
        shown = ["command_link" if name == "command" else name for name in fields]
        return [*shown, "download"] if access.may(request.user, Right.LOGS) else shown

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = list(super().get_list_display(request))
        if not access.may(request.user, Right.LOGS):
            columns.remove("download")
        return columns

    @admin.display(description=_("Log"))
    def kind_label(self, row: LogUpload) -> str:
        return row.get_kind_display()

    @display(description=_("State"), label=tones.LOG)
    def state_label(self, row: LogUpload) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @admin.display(description=_("Size"))
    def size_words(self, row: LogUpload) -> str:
        return "–" if row.size is None else filesizeformat(row.size)

    @admin.display(description=_("File"))
    def download(self, row: LogUpload) -> str:
        return link(file_url(row), gettext("Download")) if row.has_file else "–"

    @admin.display(description=_("Command"))
    def command_link(self, row: LogUpload) -> str:
        if row.command is None:
            return "–"
        return link(reverse("admin:chargepoints_command_change", args=[row.command.pk]), row.command.action)


def file_url(row: LogUpload) -> str:
    """The address of the file: that of the API, which is served as a download and never shown."""
    return f"/api/v1/chargepoints/{quote(row.charge_point.identity, safe='')}/logs/{row.pk}/file"
