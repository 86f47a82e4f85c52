"""The section of the station page with reservations."""

from __future__ import annotations

from django.urls import reverse

from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones
from transactions.models import Reservation

MOST = 10


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The newest reservations, with the number that a cancellation needs."""
    return [_row(one) for one in charge_point.reservations.order_by("-pk")[:MOST]]


def _row(one: Reservation) -> cells.Row:
    return [
        cells.text(one.number, href=reverse("admin:transactions_reservation_change", args=[one.pk])),
        cells.text("–" if one.evse_number is None else one.evse_number),
        cells.text(one.id_token),
        cells.label(one.get_state_display(), tones.RESERVATION[one.state], title=one.get_reason_display()),
        cells.moment(one.expires_at),
    ]
