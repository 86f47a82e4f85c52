"""Change the limits of a dynamic charging profile (2.1 K28)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import StationOffline
from ocpp_server.storage.journal import journal
from smart_charging.commands.smart_charging.common import NEEDS
from smart_charging.services.smart_charging import checking


async def _check(charge_point: ChargePoint, *, profile_id: int, update: dict[str, Any]) -> dict[str, Any]:
    """Raises Conflict without such a dynamic profile, Invalid for wrong values, StationOffline."""
    if not live.state().is_connected(charge_point.identity):
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    checked = await journal.run(checking.check_update, charge_point, profile_id, update)
    return {"profile_id": profile_id, "update": checked}


UPDATE_DYNAMIC_SCHEDULE = command(
    "update-dynamic-schedule",
    _("Update dynamic profile"),
    _("Change the limits or setpoints of an installed dynamic charging profile."),
    action="UpdateDynamicSchedule",
    icon="bolt",
    position=136,
    fields=(
        fields.Whole("profile_id", _("Profile ID"), name="chargingProfileId", required=True, example=2001000),
        fields.Object(
            "update",
            _("Limits and setpoints"),
            name="scheduleUpdate",
            required=True,
            example={"limit": 16},
            help=_("limit, dischargeLimit, setpoint, setpointReactive, each also with _L2 and _L3."),
        ),
    ),
    prepare=_check,
    needs=NEEDS,
    is_for_one=True,
    rest=Rest(
        description="Only for a profile of kind Dynamic that the station has accepted. A station that asks "
        "for its limits itself (dynUpdateInterval) gets the values of the last accepted update; one that "
        "does not ask is sent them at that interval."
    ),
)
