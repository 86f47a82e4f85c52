"""Accept a station whose connection was refused because its identity is unknown."""

from __future__ import annotations

from typing import Any

from chargepoints.models import ChargePoint, RefusedConnection
from chargepoints.services.provisioning import stations
from ocpp_server import sites
from ocpp_server.domain import Conflict


def accept(refused: RefusedConnection, *, actor: str, **settings: Any) -> ChargePoint:
    """Make the refused identity an accepted station with these settings. It connects at its next attempt.

    Its refused connections no longer offer to accept it. Raises Conflict for a connection that was refused
    for another reason, or whose identity is accepted by now; Invalid for an identity that no station may
    have, and for a caller that is limited to sites and names none of them.
    """
    if not refused.can_be_accepted:
        raise Conflict(
            f"Only a connection of an unknown station can be accepted, once. This one was refused: "
            f"{refused.reason}"
        )
    known = ChargePoint.objects.by_identity(refused.identity).first()
    with sites.kept():
        if known is None:
            charge_point = stations.create(identity=refused.identity, **settings)
        else:
            charge_point = stations.accept(known, actor=actor, **settings)
        sites.require(charge_point)
        RefusedConnection.objects.filter(identity=refused.identity).update(can_be_accepted=False)
    return charge_point
