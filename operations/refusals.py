"""The section of the station page with its refused connections."""

from __future__ import annotations

from django.utils.translation import gettext

from chargepoints.models import ChargePoint, RefusedConnection
from ocpp_server.admin import cells

MOST = 10


def rows(charge_point: ChargePoint) -> list[cells.Row]:
    """The newest refusals, the newest first."""
    found = RefusedConnection.objects.filter(identity=charge_point.identity).order_by("-at")[:MOST]
    return [_row(refused) for refused in found]


def _row(refused: RefusedConnection) -> cells.Row:
    count = gettext("%(count)s times") % {"count": refused.count} if refused.count > 1 else ""
    return [
        cells.text(refused.reason, note=count),
        cells.text(refused.code),
        cells.text(refused.remote_address or "–"),
        cells.moment(refused.at),
    ]
