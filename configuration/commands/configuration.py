"""Read and change what a station is told to be, by asking it: keys in 1.6 (5.8, 5.3), variables in 2.x
(B06, B05).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chargepoints import calls
from chargepoints.models import ChargePoint, Command
from configuration.services.reported import variable_name
from ocpp_server.domain import Invalid
from ocpp_server.masking import masked
from ocpp_server.protocol.versions import V16

# Component.Variable, with an instance in brackets behind either: `Connector[1].Available`,
# `TxCtrlr.EVConnectionTimeOut`.
_VARIABLE = re.compile(r"([^.\[\]]{1,50})(?:\[([^\]]{1,50})\])?\.([^.\[\]]{1,50})(?:\[([^\]]{1,50})\])?")
_UNKNOWN = frozenset({"UnknownComponent", "UnknownVariable"})


@dataclass
class Reported:
    """What a station said it is set to. `keys` maps a name to {"value", "readonly", "status"?}."""

    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


async def read(
    charge_point: ChargePoint,
    keys: Sequence[str] = (),
    *,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Ask for these keys; 1.6 gives all of them when none is named. `reported` reads the answer.

    Raises Invalid for 2.x without keys or with one that is not `Component.Variable`, and what `calls.call`
    raises.
    """
    payload: dict[str, Any]
    if charge_point.ocpp_version == V16:
        action, payload = "GetConfiguration", {"key": list(keys)} if keys else {}
    else:
        if not keys:
            raise Invalid(
                "A 2.x station must be asked for named variables: keys=Component.Variable,...", field="keys"
            )
        action, payload = "GetVariables", {"getVariableData": [variable(key, "keys") for key in keys]}
    return await calls.call(charge_point, action, payload, actor=actor, timeout=timeout, wait=wait)


async def change(
    charge_point: ChargePoint,
    *,
    key: str,
    value: str,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Command:
    """Set one key or variable; any name goes, vendors have their own. The status is the station's word.

    Raises Invalid for a 2.x key that is not `Component.Variable`, and what `calls.call` raises.
    """
    payload: dict[str, Any]
    if charge_point.ocpp_version == V16:
        action, payload = "ChangeConfiguration", {"key": key, "value": value}
    else:
        data = {**variable(key, "key"), "attributeValue": value}
        action, payload = "SetVariables", {"setVariableData": [data]}
    return await calls.call(charge_point, action, payload, actor=actor, timeout=timeout, wait=wait)


def variable(key: str, named: str) -> dict[str, Any]:
    """The component and variable that a key names. Raises Invalid; `named` is the input to blame."""
    match = _VARIABLE.fullmatch(key)
    if match is None:
        raise Invalid(f"'{key}' is not Component.Variable or Component[instance].Variable.", field=named)
    component, component_instance, name, instance = match.groups()
    return {
        "component": {"name": component} | ({"instance": component_instance} if component_instance else {}),
        "variable": {"name": name} | ({"instance": instance} if instance else {}),
    }


def reported(command: Command) -> Reported:
    """The answer of `read` in one shape for both dialects, secrets masked."""
    found = Reported()
    response = masked(command.response or {})
    for entry in response.get("configurationKey") or ():
        found.keys[entry["key"]] = {"value": entry.get("value"), "readonly": entry["readonly"]}
    found.unknown += response.get("unknownKey") or ()
    for result in response.get("getVariableResult") or ():
        name, status = variable_name(result), result.get("attributeStatus", "")
        if status in _UNKNOWN:
            found.unknown.append(name)
        else:
            # GetVariables does not tell whether a variable can be written.
            found.keys[name] = {"value": result.get("attributeValue"), "readonly": None, "status": status}
    return found
