"""The message log in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import Message
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter, StationFilter


@admin.register(Message)
class MessageAdmin(EvidenceAdmin):
    json_fields = ("request", "response")
    fields = (
        "charge_point",
        "direction",
        "message_id",
        "action",
        "request",
        "response",
        "error_code",
        "error_description",
        "size",
        "duration",
        "at",
    )
    list_display = ["named", "station", "way", "outcome", "duration", "size", "at"]
    list_filter = [StationFilter, ("direction", ChoicesDropdownFilter), ("at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["message_id"]
    exact_search = ("charge_point", "message_id", "action")
    search_help_text = _("Search by station, message id or action")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No messages yet. They appear when a station connects (OCPP_MESSAGE_LOG=on).")

    @admin.display(description=_("Action"))
    def named(self, message: Message) -> str:
        return message.title

    @display(description=_("Direction"), label={"in": tones.INFO, "out": tones.WARNING})
    def way(self, message: Message) -> tuple[str, str]:
        return (
            message.direction,
            gettext("from station") if message.direction == Message.Direction.IN else gettext("to station"),
        )

    @display(description=_("Answer"), label={"ok": tones.SUCCESS, "error": tones.DANGER})
    def outcome(self, message: Message) -> tuple[str, str]:
        return ("error", message.error_code) if message.error_code else ("ok", gettext("ok"))

    @admin.display(description=_("Milliseconds"))
    def duration(self, message: Message) -> str:
        return "–" if message.duration_ms is None else f"{message.duration_ms:.1f}"
