"""Read and change what a station is told to be, by asking it: keys in 1.6 (5.8, 5.3), variables in 2.x
(B06, B05).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from chargepoints.models import ChargePoint, Command
from configuration.services.variables import catalogue
from configuration.services.variables.reported import number_sync, variable_name
from ocpp_server.domain import Invalid
from ocpp_server.observability.masking import masked
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

# Component.Variable, with an instance in brackets behind either: `Connector[1].Available`,
# `TxCtrlr.EVConnectionTimeOut`.
_VARIABLE = re.compile(r"([^.\[\]]{1,50})(?:\[([^\]]{1,50})\])?\.([^.\[\]]{1,50})(?:\[([^\]]{1,50})\])?")
_UNKNOWN = frozenset({"UnknownComponent", "UnknownVariable"})
_ANSWERED = frozenset({Command.State.ACCEPTED, Command.State.REJECTED})
# Said of the action, not of these keys: there is no use in asking for them one by one.
_CANNOT = frozenset({"NotImplemented", "NotSupported"})

# How many keys one CALL may ask for, as the station itself reported it (1.6 9.1, 2.0.1 B06.FR.05): the names
# it goes by, and what is assumed of a station that never said. In 2.x the instance belongs to the variable;
# some put it with the component.
_MOST_16 = (("GetConfigurationMaxKeys",), 100)
_MOST_2X = (
    ("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", "DeviceDataCtrlr[GetVariables].ItemsPerMessage"),
    20,
)


@dataclass
class Reported:
    """What a station said it is set to. `keys` maps a name to {"value", "readonly", "status"?}."""

    commands: list[Command] = field(default_factory=list)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    is_broken_off: bool = False

    @property
    def command(self) -> Command:
        """The one that speaks for all: what it was broken off by, or else the first one with an answer."""
        if self.is_broken_off:
            return self.commands[-1]
        return next((command for command in self.commands if command.state in _ANSWERED), self.commands[0])

    @property
    def is_answered(self) -> bool:
        return self.command.state in _ANSWERED

    def without(self, keys: Sequence[str]) -> list[str]:
        """Those of the keys that the station has said nothing about; upper and lower case are the same."""
        told = {name.casefold() for name in (*self.keys, *self.unknown)}
        return [key for key in keys if key.casefold() not in told]

    def take(self, command: Command) -> None:
        """Add what one CALL brought, secrets masked."""
        self.commands.append(command)
        self.is_broken_off = command.is_finished and (
            command.error_code in _CANNOT
            or command.state not in {*_ANSWERED, Command.State.ERROR, Command.State.INVALID}
        )
        if command.state not in _ANSWERED:
            return
        response = masked(command.response or {}, command.action)
        for entry in response.get("configurationKey") or ():
            self.keys[entry["key"]] = {"value": entry.get("value"), "readonly": entry["readonly"]}
        self.unknown += response.get("unknownKey") or ()
        for result in response.get("getVariableResult") or ():
            name, status = variable_name(result), result.get("attributeStatus", "")
            if status in _UNKNOWN:
                self.unknown.append(name)
            else:
                # GetVariables does not tell whether a variable can be written.
                self.keys[name] = {"value": result.get("attributeValue"), "readonly": None, "status": status}


def has_keys(charge_point: ChargePoint) -> bool:
    """Whether the station is configured by keys (1.6), or by variables of components (2.x)."""
    return charge_point.ocpp_version == V16


async def read(
    charge_point: ChargePoint,
    keys: Sequence[str] = (),
    *,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
) -> Reported:
    """Ask for these keys, in as many CALLs as the station's own limit needs, one after the other; 1.6 gives
    all of them when none is named.

    Stations miss keys, answer one at a time only, or say nothing when asked for all. So what was left out is
    asked for once more, key by key, and what is left out then too counts as unknown. A CALL that gets no
    answer ends it. `timeout` is in seconds, for each CALL; without `wait` all of them are queued, and nothing
    is asked for again. Raises Invalid for 2.x without keys or with one that is not `Component.Variable`, and
    what `calls.call` raises.
    """
    _request(charge_point, keys)  # what makes no sense is refused before anything is sent
    found = Reported()

    async def ask(chunks: Collection[Sequence[str]]) -> None:
        for chunk in chunks:
            if found.is_broken_off:
                return
            action, payload = _request(charge_point, chunk)
            found.take(
                await calls.call(charge_point, action, payload, actor=actor, timeout=timeout, wait=wait)
            )

    if not keys:
        await ask([()])
        if wait and found.is_answered and not found.keys:
            names = catalogue.names()
            await ask(list(_chunks(names, await _most_keys(charge_point))))
            found.unknown.clear()  # nobody asked for them
        return found
    chunks = list(_chunks(keys, 1 if len(keys) == 1 else await _most_keys(charge_point)))
    await ask(chunks)
    if wait:
        asked_alone = {chunk[0] for chunk in chunks if len(chunk) == 1}
        await ask([(key,) for key in found.without(keys) if key not in asked_alone])
        if not found.is_broken_off:
            found.unknown += found.without(keys)
    return found


async def _most_keys(charge_point: ChargePoint) -> int:
    names, otherwise = _MOST_16 if has_keys(charge_point) else _MOST_2X
    return await journal.run(number_sync, charge_point.pk, names) or otherwise


def _chunks(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _request(charge_point: ChargePoint, keys: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The action and payload that ask for these keys."""
    if has_keys(charge_point):
        return "GetConfiguration", {"key": list(keys)} if keys else {}
    if not keys:
        raise Invalid(
            "A 2.x station must be asked for named variables: keys=Component.Variable,...", field="keys"
        )
    return "GetVariables", {"getVariableData": [variable(key, "keys") for key in keys]}


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
    if has_keys(charge_point):
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
