"""Reservations in the admin. They are made and cancelled on the page of their station."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin, session_link
from ocpp_server.admin.filters import StationFilter
from transactions.models import Reservation


@admin.register(Reservation)
class ReservationAdmin(EvidenceAdmin):
    list_display = [
        "number", "station", "evse_number", "id_token", "state_label", "reason", "expires_at", "session",
        "requested_at",
    ]  # fmt: skip
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id_token", "charge_point")
    search_help_text = _("Search by token or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No reservations yet. Reserve an EVSE on a station's page.")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return ["known_token" if name == "token" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("Known token"))
    def known_token(self, reservation: Reservation) -> str:
        return str(reservation.token or "–")

    @admin.display(description=_("Session"))
    def session(self, reservation: Reservation) -> str:
        return session_link(reservation.transaction_id)

    @display(description=_("State"), label=tones.RESERVATION)
    def state_label(self, reservation: Reservation) -> tuple[str, str]:
        return reservation.state, reservation.get_state_display()
