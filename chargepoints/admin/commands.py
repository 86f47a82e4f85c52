"""The command log in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import Command
from ocpp_server.admin import answers, tones
from ocpp_server.admin.base import EvidenceAdmin, json_column
from ocpp_server.admin.filters import MomentFilter, StationFilter
from ocpp_server.observability.masking import masked


@admin.register(Command)
class CommandAdmin(EvidenceAdmin):
    json_fields = ("payload", "response", "error_details")
    list_display = ["action", "station", "state_label", "answer_words", "actor", "created_at", "finished_at"]
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id"]
    exact_search = ("id", "action", "charge_point")
    search_help_text = _("Search by message id, action or station")
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = _("No commands yet. Send the first command from a station's page.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """The values of the answer stand before its JSON."""
        fields = list(super().get_fields(request, obj))
        place = fields.index(json_column("response"))
        return [*fields[:place], "answer", *fields[place:]]

    @admin.display(description=_("Values of the answer"))
    def answer(self, command: Command) -> str:
        if command.response in (None, {}):
            return "–"
        shown = masked(command.response, command.action)
        return render_to_string("operator/answer.html", {"fields": answers.fields_of(shown)})

    @display(description=_("State"), label=tones.COMMAND)
    def state_label(self, command: Command) -> tuple[str, str]:
        return command.state, command.get_state_display()

    @admin.display(description=_("Answer"))
    def answer_words(self, command: Command) -> str:
        """The station's status with its reason and, where it accepted some items, their number."""
        found = command.outcome
        error = " ".join(filter(None, (command.error_code, command.error_description)))
        words = (found.share, command.status, found.reason, error, command.effect_words)
        return ", ".join(filter(None, words)) or "–"
