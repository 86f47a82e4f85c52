"""The section of the station page with default tariffs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.models import ChargePoint
from ocpp_server.admin import cells, tones
from tariffs.models import StationTariff
from tariffs.services.tariff import checking

MOST = 10


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The newest tariffs, also the refused ones with their reason."""
    newest = StationTariff.objects.filter(charge_point=charge_point).order_by("-set_at", "-pk")
    return [_row(one) for one in newest.defer("tariff")[:MOST]]


def _row(one: StationTariff) -> cells.Row:
    return [
        cells.text(one.tariff_id, href=reverse("admin:tariffs_stationtariff_change", args=[one.pk])),
        cells.text(one.evse_number or gettext("Every EVSE")),
        cells.label(one.get_state_display(), tones.TARIFF.get(one.state, "")),
        cells.text(checking.explanation(one.status) or "–", note=one.reason),
        cells.moment(one.set_at),
    ]
