"""Notes about stations in the admin. Operators write them, not only administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Note
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin, station_link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.rights import Right


@admin.register(Note)
class NoteAdmin(OperatorAdmin):
    right = Right.NOTES
    list_display = ["__str__", "station", "author", "created_at", "updated_at"]
    list_filter = [StationFilter, ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["text", "author"]
    search_help_text = _("Search by text or author")
    sortable_by = ["created_at"]
    ordering = ["-id"]
    autocomplete_fields = ["charge_point"]
    fields = ["charge_point", "text", "author", "created_at", "updated_at"]
    empty_sentence = _("No notes yet. Add the first note on a station's page.")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        written = ("author", "created_at", "updated_at")
        return ("charge_point", *written) if obj else written

    def save_model(self, request: HttpRequest, obj: Note, form: Any, change: bool) -> None:
        if not change:
            obj.author = request.user.get_username()
        super().save_model(request, obj, form, change)

    @admin.display(description=_("Station"))
    def station(self, note: Note) -> str:
        return station_link(note.charge_point)
