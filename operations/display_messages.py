"""The messages on the station's displays, on the station page."""

from __future__ import annotations

from django.urls import reverse

from chargepoints.models import ChargePoint, DisplayMessage
from ocpp_server.admin import cells, tones

FEW = 10
_LONGEST = 80


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The messages that the station has, or may have, the newest first."""
    current = DisplayMessage.objects.current().filter(charge_point=charge_point)
    return [_row(message) for message in current.order_by("-created_at", "-pk")[:FEW]]


def _row(message: DisplayMessage) -> cells.Row:
    text = message.content
    return [
        cells.text(
            text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…",
            href=reverse("admin:chargepoints_displaymessage_change", args=[message.pk]),
            note=str(message.number),
        ),
        cells.text(message.priority),
        cells.text(message.station_state or "–"),
        cells.label(message.get_state_display(), tones.DISPLAY_MESSAGE.get(message.state, "")),
        cells.moment(message.ends_at),
        cells.moment(message.created_at),
    ]
