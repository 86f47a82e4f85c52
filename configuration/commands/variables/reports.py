"""Reports of a station's variables: GetBaseReport and GetReport (2.x B07, B08)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from chargepoints.services.follow_ups.assembly import DEADLINE
from configuration.commands import variables
from configuration.services.variables import inventory
from ocpp_server import command_fields as fields
from ocpp_server import splitting
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.request_numbers import new_number
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

_CRITERIA: Final = ("Active", "Available", "Enabled", "Problem")
# A component without a variable asks for all variables of the component.
_COMPONENT: Final = re.compile(
    r"([^.()\[\]]{1,50})(?:\[([^\]]{1,50})\])?(?:\(([0-9]{1,5})(?:\.([0-9]{1,5}))?\))?"
)


async def _get_base(
    charge_point: ChargePoint, *, base: str, actor: str, timeout: float | None, wait: bool
) -> Result:
    """Raises Conflict while the station is sending a report: some would begin it again, or mix the two."""
    request_id = new_number()
    payload = {"requestId": request_id, "reportBase": base}
    await calls.check(charge_point, "GetBaseReport", payload)
    before = await journal.run(inventory.requested, charge_point.pk)
    if before is not None:
        raise Conflict(
            f"{charge_point.identity} is sending the report {before.payload['requestId']} "
            f"({before.payload['reportBase']}). Wait until it is complete, or has had no further part for "
            f"{DEADLINE.seconds} seconds.",
            data={"reportRequestId": before.payload["requestId"]},
        )
    sent: Command = await calls.call(
        charge_point, "GetBaseReport", payload, actor=actor, timeout=timeout, wait=wait
    )
    return Result(sent, {"reportRequestId": request_id})


async def _get(
    charge_point: ChargePoint, *, criteria: Sequence[str] = (), keys: Sequence[str] = (), **how: Any
) -> Result:
    """Raises Conflict for more components and variables than the station takes in one message."""
    request_id = new_number()
    payload: dict[str, Any] = {"requestId": request_id}
    if criteria:
        payload["componentCriteria"] = [_criterion(word) for word in criteria]
    if keys:
        payload["componentVariable"] = [component_variable(key) for key in keys]
    sent, _parts = await splitting.send(charge_point, "GetReport", payload, **how)
    return Result(sent, {"reportRequestId": request_id})


def _criterion(word: str) -> str:
    known = {one.casefold(): one for one in _CRITERIA}
    found = known.get(word.strip().casefold())
    if found is None:
        raise Invalid(f"'{word}' must be one of {', '.join(_CRITERIA)}.", field="criteria")
    return found


def component_variable(key: str) -> dict[str, Any]:
    """The component that a key names, and the variable if it names one. Raises Invalid."""
    match = _COMPONENT.fullmatch(key)
    if match is None:
        return variables.variable(key, "keys")
    return {"component": variables.component(*match.groups())}


GET_BASE_REPORT = command(
    "get-base-report",
    _("Get base report"),
    _("Request a report of all variables, of those that can be set, or of a summary."),
    action="GetBaseReport",
    icon="summarize",
    position=72,
    fields=(
        fields.Choice(
            "base",
            _("Report"),
            name="reportBase",
            choices=(
                (inventory.FULL, _("Full: all variables")),
                (inventory.CONFIGURATION, _("Configuration: variables that can be set")),
                (inventory.SUMMARY, _("Summary: the state of the station and of problems")),
            ),
            default=inventory.FULL,
        ),
    ),
    run=_get_base,
    rest=Rest(
        answer="configuration.serializers.ReportRequestedSerializer",
        description="The station sends the report in parts. GET "
        ".../configuration/report?requestId={reportRequestId} has its state and its variables; GET "
        ".../reported-values has the variables of all reports. 409 while the station is sending a base "
        "report.",
    ),
)

GET_REPORT = command(
    "get-report",
    _("Get report"),
    _("Request a report of some components or variables."),
    action="GetReport",
    icon="query_stats",
    position=74,
    fields=(
        fields.Texts(
            "criteria",
            _("Criteria"),
            most=4,
            most_characters=20,
            help=_("One per line, of Active, Available, Enabled and Problem: components that are so."),
            example=["Problem"],
        ),
        fields.Texts(
            "keys",
            _("Components and variables"),
            most_characters=210,
            help=_("One per line, such as EVSE(1) or EVSE(1).AvailabilityState. Leave empty for all."),
            example=["EVSE(1).AvailabilityState"],
        ),
    ),
    run=_get,
    rest=Rest(
        answer="configuration.serializers.ReportRequestedSerializer",
        description="As get-base-report. More components and variables than the station takes in one message "
        "(ItemsPerMessage, BytesPerMessage) are refused with 409: send several requests. EmptyResultSet: "
        "nothing meets the criteria.",
    ),
)
