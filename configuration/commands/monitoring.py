"""Monitors of variables (2.0.1 N02-N06) and the event streams of 2.1 (N12, N14)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from configuration.commands.variables import variable
from ocpp_server import command_fields as fields
from ocpp_server import splitting
from ocpp_server.capabilities import Needs
from ocpp_server.command_fields import LARGEST_NUMBER, Label
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate import monitors as words
from ocpp_server.protocol.versions import V21
from ocpp_server.request_numbers import new_number
from ocpp_server.transport.command_store import Addressee

NEEDS: Final = Needs(variable="MonitoringCtrlr.Available")
MOST_MONITORS: Final = 500
MOST_IDS: Final = 1000
_ITEM: Final = frozenset({"id", "variable", "type", "value", "severity", "transaction", "interval", "values"})
# Completes the name of a component for the parser of variables.
_ANY: Final = "any"
_REQUIRED: Final = ("variable", "type", "value", "severity")


# -- base and level ------------------------------------------------------------------------------------------


def _danger_base(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    return "" if arguments.get("base") == "All" else _("The station deletes all custom monitors.")


SET_MONITORING_BASE = command(
    "set-monitoring-base",
    _("Set monitoring base"),
    _("Choose which monitors of its manufacturer the station uses."),
    action="SetMonitoringBase",
    icon="monitor_heart",
    position=200,
    fields=(
        fields.Choice(
            "base",
            _("Monitors"),
            name="monitoringBase",
            required=True,
            choices=(
                ("All", _("All, and keep the custom ones")),
                ("FactoryDefault", _("Those of the factory, without custom ones")),
                ("HardWiredOnly", _("The hard-wired ones only")),
            ),
        ),
    ),
    danger=_danger_base,
    needs=NEEDS,
    rest=Rest(
        description="After FactoryDefault and HardWiredOnly `GET .../monitors` has only those that certainly "
        "remain: get-monitoring-report reads the others again."
    ),
)

SET_MONITORING_LEVEL = command(
    "set-monitoring-level",
    _("Set monitoring level"),
    _("Limit the events that the station sends to severe ones."),
    action="SetMonitoringLevel",
    icon="notification_important",
    position=201,
    fields=(
        fields.Whole(
            "severity",
            _("Severity"),
            required=True,
            most=words.SEVERITIES[-1],
            example=4,
            help=_("From 0, danger, to 9, for debugging. Monitors with a higher number send nothing."),
        ),
    ),
    needs=NEEDS,
)


# -- monitors ------------------------------------------------------------------------------------------------


def _items(given: Any) -> list[dict[str, Any]]:
    """SetMonitoringData of the given monitors. Raises Invalid."""
    if not isinstance(given, list) or not 0 < len(given) <= MOST_MONITORS:
        raise Invalid(f"Must be a list of 1 to {MOST_MONITORS} monitors.", field="monitors")
    return [_item(one, f"monitors[{place}]") for place, one in enumerate(given)]


def _item(one: Any, path: str) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise Invalid("Must be an object.", field=path)
    if unknown := sorted(map(str, one.keys() - _ITEM)):
        raise Invalid(f"Unknown field {unknown[0]!r}.", field=path)
    if absent := [name for name in _REQUIRED if name not in one]:
        raise Invalid(f"Must have {', '.join(absent)}.", field=path)
    if not isinstance(one["variable"], str):
        raise Invalid("Must be Component.Variable.", field=f"{path}.variable")
    if one["type"] not in words.TYPES:
        raise Invalid(f"Must be one of {', '.join(words.TYPES)}.", field=f"{path}.type")
    if not isinstance(one.get("transaction", False), bool):
        raise Invalid("Must be true or false.", field=f"{path}.transaction")
    stream = {name: _whole(one[name], f"{path}.{name}") for name in ("interval", "values") if name in one}
    item = {
        **variable(one["variable"], f"{path}.variable"),
        "type": one["type"],
        "value": _number(one["value"], f"{path}.value"),
        "severity": _whole(one["severity"], f"{path}.severity", most=words.SEVERITIES[-1]),
    }
    if one["type"] in words.CRITERIA["DeltaMonitoring"] and item["value"] < 0:
        raise Invalid("Must not be negative: the size of a change.", field=f"{path}.value")  # N04.FR.14
    if "id" in one:
        item["id"] = _whole(one["id"], f"{path}.id")
    if one.get("transaction"):
        item["transaction"] = True
    return item | ({"periodicEventStream": stream} if stream else {})


def _number(given: Any, path: str) -> int | float:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(given):
        raise Invalid("Must be a number.", field=path)
    number: int | float = given
    return number


def _whole(given: Any, path: str, *, most: int = LARGEST_NUMBER) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= most:
        raise Invalid(f"Must be a whole number from 0 to {most}.", field=path)
    return given


async def _set(charge_point: ChargePoint, *, monitors: Any, **how: Any) -> Result:
    items = _items(monitors)
    if charge_point.ocpp_version != V21:
        for place, item in enumerate(items):
            if "periodicEventStream" in item or item["type"] not in words.TYPES_201:
                raise Invalid("Needs OCPP 2.1.", field=f"monitors[{place}]")
    return Result(
        *await splitting.send(charge_point, "SetVariableMonitoring", {"setMonitoringData": items}, **how)
    )


async def _checked(charge_point: ChargePoint, *, monitors: Any) -> dict[str, Any]:
    _items(monitors)
    return {"monitors": monitors}


SET_VARIABLE_MONITORING = command(
    "set-variable-monitoring",
    _("Set monitors"),
    _("Let the station report when variables change or reach a limit."),
    action="SetVariableMonitoring",
    icon="add_alert",
    position=202,
    fields=(
        fields.Json(
            "monitors",
            _("Monitors"),
            required=True,
            lines=8,
            example=[{"variable": "EVSE(1).AvailabilityState", "type": "Delta", "value": 1, "severity": 8}],
            help=_(
                "A list: variable, type (UpperThreshold, LowerThreshold, Delta, Periodic, "
                "PeriodicClockAligned; in 2.1 TargetDelta, TargetDeltaRelative), value, severity from 0 to "
                "9. Optional: transaction, the id of a monitor to replace, and in 2.1 interval and values "
                "of an event stream."
            ),
        ),
    ),
    prepare=_checked,
    run=_set,
    needs=NEEDS,
    rest=Rest(
        description="In as many messages as the station's limits need, answered as one. `transaction`: only "
        "while a session runs. `id` replaces a monitor of the same variable. A Delta of a variable without "
        "numbers needs any value, such as 1. `interval` (seconds) or `values` (number) make an event stream "
        "(2.1). The accepted ones are at `GET .../monitors`."
    ),
)


async def _clear(charge_point: ChargePoint, *, monitor_ids: Any, **how: Any) -> Result:
    payload = {"id": _ids(monitor_ids)}
    return Result(*await splitting.send(charge_point, "ClearVariableMonitoring", payload, **how))


def _ids(given: Any) -> list[int]:
    if not isinstance(given, list) or not 0 < len(given) <= MOST_IDS:
        raise Invalid(f"Must be a list of 1 to {MOST_IDS} numbers.", field="monitorIds")
    numbers = [_whole(one, f"monitorIds[{place}]") for place, one in enumerate(given)]
    return list(dict.fromkeys(numbers))


async def _checked_ids(charge_point: ChargePoint, *, monitor_ids: Any) -> dict[str, Any]:
    return {"monitor_ids": _ids(monitor_ids)}


CLEAR_VARIABLE_MONITORING = command(
    "clear-variable-monitoring",
    _("Clear monitors"),
    _("Delete monitors of the station by their IDs."),
    action="ClearVariableMonitoring",
    icon="notifications_off",
    position=203,
    is_for_one=True,
    fields=(
        fields.Json(
            "monitor_ids",
            _("Monitor IDs"),
            required=True,
            lines=1,
            example=[1, 2],
            help=_("A list of the station's numbers, such as [1, 2]."),
        ),
    ),
    prepare=_checked_ids,
    run=_clear,
    needs=NEEDS,
    rest=Rest(
        description="In as many messages as the station's limits need, answered as one. NotFound: the "
        "station has no such monitor. Rejected: a hard-wired one."
    ),
)


# -- reports -------------------------------------------------------------------------------------------------


async def _checked_report(
    charge_point: ChargePoint, *, criteria: Sequence[str] = (), variables: Sequence[str] = ()
) -> dict[str, Any]:
    for word in criteria:
        if word not in words.CRITERIA:
            raise Invalid(f"Must be one of {', '.join(words.CRITERIA)}.", field="monitoringCriteria")
    for name in variables:
        _component_variable(name)
    return {"criteria": criteria, "variables": variables}


def _component_variable(name: str) -> dict[str, Any]:
    """A component and, behind a dot, its variable. Raises Invalid."""
    for text in (name, f"{name}.{_ANY}"):
        try:
            found = variable(text, "variables")
        except Invalid:
            continue
        return found if text == name else {"component": found["component"]}
    raise Invalid(f"'{name}' must be a component or Component.Variable.", field="variables")


def _spell_report(*, criteria: Sequence[str] = (), variables: Sequence[str] = ()) -> dict[str, Any]:
    payload: dict[str, Any] = {"requestId": new_number()}
    if criteria:
        payload["monitoringCriteria"] = list(dict.fromkeys(criteria))
    if variables:
        payload["componentVariable"] = [_component_variable(name) for name in variables]
    return payload


async def _report(
    charge_point: ChargePoint, *, actor: str, timeout: float | None, wait: bool, **asked: Any
) -> Result:
    payload = _spell_report(**asked)
    return Result(
        *await splitting.send(
            charge_point, "GetMonitoringReport", payload, actor=actor, timeout=timeout, wait=wait
        )
    )


GET_MONITORING_REPORT = command(
    "get-monitoring-report",
    _("Get monitoring report"),
    _("Read the monitors of the station."),
    action="GetMonitoringReport",
    icon="list_alt",
    position=204,
    fields=(
        fields.Texts(
            "criteria",
            _("Criteria"),
            name="monitoringCriteria",
            most=3,
            most_characters=32,
            help=_(
                "ThresholdMonitoring, DeltaMonitoring (also target deltas), PeriodicMonitoring, one per "
                "line. Leave empty for all."
            ),
        ),
        fields.Texts(
            "variables",
            _("Components or variables"),
            most_characters=210,
            help=_("One per line, such as EVSE(1) or EVSE(1).Power. Leave empty for all."),
        ),
    ),
    prepare=_checked_report,
    run=_report,
    needs=NEEDS,
    rest=Rest(
        description="The monitors follow in messages of their own: `GET .../reports` has the state of the "
        "report, `GET .../monitors` the monitors. When it is complete, monitors that it does not name are "
        "gone. EmptyResultSet: the station has none that fit."
    ),
)


# -- event streams -------------------------------------------------------------------------------------------


def _spell_adjust(
    *, stream_id: int, interval: int | None = None, values: int | None = None
) -> dict[str, Any]:
    given = {"interval": interval, "values": values}
    return {"id": stream_id, "params": {name: value for name, value in given.items() if value is not None}}


async def _check_adjust(charge_point: ChargePoint, **arguments: Any) -> dict[str, Any]:
    if arguments.keys() <= {"stream_id"}:
        raise Invalid("Give interval, values, or both.", field="interval")  # N11.FR.09
    return arguments


ADJUST_EVENT_STREAM = command(
    "adjust-periodic-event-stream",
    _("Adjust event stream"),
    _("Change how often the station sends the values of an event stream."),
    action="AdjustPeriodicEventStream",
    icon="speed",
    position=205,
    is_for_one=True,
    fields=(
        fields.Whole("stream_id", _("Stream ID"), required=True, example=2),
        fields.Whole("interval", _("Interval"), example=15, help=_("Seconds between two messages.")),
        fields.Whole("values", _("Values"), example=45, help=_("Values in a message.")),
    ),
    prepare=_check_adjust,
    spell_2x=_spell_adjust,
    needs=NEEDS,
)

GET_EVENT_STREAMS = command(
    "get-periodic-event-streams",
    _("Get event streams"),
    _("Read which event streams the station has open."),
    action="GetPeriodicEventStream",
    icon="stream",
    position=206,
    needs=NEEDS,
    rest=Rest(description="`GET .../event-streams` has the result: a stream that is not named is closed."),
)
