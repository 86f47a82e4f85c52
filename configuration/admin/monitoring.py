"""Monitors and event streams in the admin. The commands of the station page change them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from configuration.models import EventStream, StreamMessage, VariableMonitor
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import StationFilter

# The messages whose values the page of a stream shows.
_SHOWN = 5


@admin.register(VariableMonitor)
class VariableMonitorAdmin(EvidenceAdmin):
    list_display = ["name", "station", "type", "value", "severity", "kind", "monitor_id", "reported_at"]
    list_filter = [StationFilter, "kind"]
    list_select_related = ["charge_point"]
    search_fields = ["variable"]
    exact_search = ("variable", "component", "charge_point")
    search_help_text = _("Search by variable, component or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No monitors are known. Use “Get monitoring report” on a 2.x station's page.")

    @admin.display(description=_("Variable"))
    def name(self, monitor: VariableMonitor) -> str:
        return monitor.monitored.name


@admin.register(EventStream)
class EventStreamAdmin(EvidenceAdmin):
    list_display = ["stream_id", "station", "monitor_id", "interval", "values", "state", "opened_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["charge_point__identity"]
    exact_search = ("charge_point",)
    search_help_text = _("Search by station")
    sortable_by = ["opened_at"]
    ordering = ["-opened_at"]
    fields = [
        "charge_point", "stream_id", "monitor_id", "interval", "values", "opened_at", "closed_at", "latest",
    ]  # fmt: skip
    empty_sentence = _("No event streams yet. OCPP 2.1 stations open them for periodic monitors.")

    @display(description=_("State"), label={"open": tones.SUCCESS, "closed": tones.NEUTRAL})
    def state(self, stream: EventStream) -> tuple[str, str]:
        return ("open", gettext("Open")) if stream.is_open else ("closed", gettext("Closed"))

    @admin.display(description=_("Latest values"))
    def latest(self, stream: EventStream) -> str:
        messages = StreamMessage.objects.filter(stream=stream).order_by("-pk")[:_SHOWN]
        return ", ".join(text for message in messages for _offset, text in reversed(message.data)) or "–"
