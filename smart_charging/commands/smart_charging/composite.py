"""Read the composite schedule of a station (1.6 5.7; 2.x K08)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.protocol import translate
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.transport import calls
from smart_charging.commands.smart_charging.common import NEEDS, evse_field


def _spell_composite(name: str, *, evse_number: int, duration_s: int, unit: str | None) -> dict[str, Any]:
    payload = {name: evse_number, "duration": duration_s}
    return payload | ({} if unit is None else {"chargingRateUnit": unit})


async def _ask(
    charge_point: ChargePoint,
    *,
    duration_s: int,
    evse_number: int = 0,
    unit: str | None = None,
    **how: Any,
) -> Result:
    """The composite schedule of the station, with the same fields in both dialects."""
    version = charge_point.ocpp_version
    payload = _spell_composite(
        in_dialect(version, "connectorId", "evseId"),
        evse_number=evse_number,
        duration_s=duration_s,
        unit=unit,
    )
    sent: Any = await calls.call(charge_point, "GetCompositeSchedule", payload, **how)
    read = in_dialect(version, translate.composite_16, translate.composite_2x)
    is_read = sent.state == sent.State.ACCEPTED and isinstance(sent.response, dict)
    schedule = read(sent.response) if is_read else None
    data = {"connectorId": evse_number, "schedule": schedule and translate.schedule_json(schedule)}
    return Result(sent, data)


GET_COMPOSITE_SCHEDULE = command(
    "get-composite-schedule",
    _("Get composite schedule"),
    _("Read the limits that the station has computed from its charging profiles."),
    action="GetCompositeSchedule",
    icon="stacked_line_chart",
    position=130,
    fields=(
        evse_field(),
        fields.Whole(
            "duration_s",
            _("Duration in s"),
            name="duration",
            required=True,
            least=1,
            example=3600,
            help=_("From now on."),
        ),
        fields.Choice(
            "unit",
            _("Unit"),
            name="chargingRateUnit",
            choices=(("A", "A"), ("W", "W")),
            help=_("Chosen by the station unless given."),
        ),
    ),
    run=_ask,
    needs=NEEDS,
    rest=Rest(
        answer="smart_charging.serializers.CompositeAnswerSerializer",
        description="`schedule` has the same fields for every version: startSchedule is the time of its "
        "beginning, and equal periods are one. Null where the station sent none.",
    ),
)
