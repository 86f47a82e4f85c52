"""Commands that read and change a station's configuration: keys in 1.6 (5.8, 5.3), variables in 2.x (B06,
B05).
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from configuration.services.variables import catalogue, inventory, limits
from configuration.services.variables.reported import variable_name
from ocpp_server import command_fields as fields
from ocpp_server import live, splitting
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.observability.masking import masked
from ocpp_server.protocol.versions import V16
from ocpp_server.request_numbers import new_number
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls, outcomes

# Component.Variable, with an instance in brackets behind either and an EVSE and connector behind the
# component: `TxCtrlr.EVConnectionTimeOut`, `Connector[left](1.2).Available`.
_VARIABLE = re.compile(
    r"([^.()\[\]]{1,50})(?:\[([^\]]{1,50})\])?(?:\(([0-9]{1,5})(?:\.([0-9]{1,5}))?\))?"
    r"\.([^.\[\]]{1,50})(?:\[([^\]]{1,50})\])?"
)
_UNKNOWN = frozenset({"UnknownComponent", "UnknownVariable"})
_ANSWERED = outcomes.ANSWERED
# These error codes concern the action, not the keys: asking again key by key is useless.
_UNSUPPORTED = frozenset({"NotImplemented", "NotSupported"})

# The most keys per CALL to a station that has not reported its limit, in 1.6 and in 2.x.
_MOST_16, _MOST_2X = 100, 20
# 1.6 7.29: a key is a CiString of 50.
_LONGEST_KEY = 50


@dataclass
class Reported:
    """A station's reported configuration. `keys` maps a name to {"value", "readonly", "status"?}.

    `pending` is a sentence about a report that is not complete yet.
    """

    commands: list[Command] = field(default_factory=list)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    is_aborted: bool = False
    pending: str = ""

    @property
    def command(self) -> Command:
        """The command for the answer: the one that ended the sequence early, else the first one answered."""
        if self.is_aborted:
            return self.commands[-1]
        return next((command for command in self.commands if command.state in _ANSWERED), self.commands[0])

    @property
    def is_answered(self) -> bool:
        return self.command.state in _ANSWERED

    @property
    def is_refused(self) -> bool:
        """Whether the station refused the request as a whole; a refused variable is part of an answer."""
        return self.command.state == Command.State.REJECTED and self.command.action not in splitting.RULES

    @property
    def data(self) -> dict[str, Any]:
        """The data of the API's answer, with the keys that arrived before the sequence ended early."""
        if self.pending or (not self.is_answered and not self.keys):
            return {}
        return {"configuration": self.keys} | ({"unknownKeys": self.unknown} if self.unknown else {})

    def missing(self, keys: Sequence[str]) -> list[str]:
        """The keys that no answer contains. Case makes no difference."""
        reported = {name.casefold() for name in (*self.keys, *self.unknown)}
        return [key for key in keys if key.casefold() not in reported]

    def take(self, command: Command) -> None:
        """Add the result of one CALL, secrets masked."""
        self.commands.append(command)
        self.is_aborted = command.is_finished and (
            command.error_code in _UNSUPPORTED
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
                # The answer of GetVariables does not contain whether a variable is read-only.
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
    """Ask for these keys, in as many CALLs as the station's limit needs, one after the other. A 1.6 station
    returns all keys when none is named; a 2.x station is asked for a report of its variables.

    Some stations skip keys, answer only one key at a time, or return an empty list instead of all keys. So
    missing keys are asked for once more, key by key, and keys that are missing again count as unknown. A CALL
    without an answer ends the sequence. `timeout` is in seconds, for each CALL. Without `wait` all CALLs are
    queued, and no key is asked for again. Raises StationOffline, Invalid for a 2.x key that is not
    `Component.Variable`, and the errors of `calls.call`.
    """
    if charge_point.ocpp_version:
        _request(charge_point, keys)  # an invalid key is refused for that, also while the station is offline
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        never = "has never connected" if not charge_point.ocpp_version else "is known but offline"
        raise StationOffline(f"{charge_point.identity} {never}.")
    # The row has the version of the last message, which may be older than the connection.
    charge_point.ocpp_version = connection.version
    if not keys and not has_keys(charge_point):
        return await _read_report(charge_point, actor=actor, timeout=timeout, wait=wait)
    found = Reported()

    async def ask(chunks: Collection[Sequence[str]]) -> None:
        for chunk in chunks:
            if found.is_aborted:
                return
            action, payload = _request(charge_point, chunk)
            found.take(
                await calls.call(charge_point, action, payload, actor=actor, timeout=timeout, wait=wait)
            )

    if not keys:
        await ask([()])
        if wait and found.is_answered and not found.keys:
            names = catalogue.names()
            await ask(await _chunks(charge_point, names))
            found.unknown.clear()  # the caller named no keys
        return found
    chunks = [keys] if len(keys) == 1 else await _chunks(charge_point, keys)
    await ask(chunks)
    if wait:
        asked_alone = {chunk[0] for chunk in chunks if len(chunk) == 1}
        await ask([(key,) for key in found.missing(keys) if key not in asked_alone])
        if not found.is_aborted:
            found.unknown += found.missing(keys)
    return found


async def _read_report(
    charge_point: ChargePoint, *, actor: str, timeout: float | None, wait: bool
) -> Reported:
    """Ask a 2.x station for a report of its variables, and wait for it. A report that the station is already
    sending is awaited instead.
    """
    found = Reported()
    until = time.monotonic() + (settings.OCPP_CALL_TIMEOUT if timeout is None else timeout)
    sent = await ask_for_report(charge_point, actor=actor, timeout=timeout, wait=wait)
    found.commands = [sent]
    if wait and sent.state == Command.State.ACCEPTED:
        variables = await inventory.awaited(sent, until=until)
        found.keys = variables or {}
        if variables is None:
            found.pending = (
                f"{charge_point.identity} is sending a report of its variables. Repeat the request to wait "
                f"for it, or get /api/v1/chargepoints/{charge_point.identity}/reports for its state."
            )
    return found


async def ask_for_report(
    charge_point: ChargePoint, *, actor: str, timeout: float | None = None, wait: bool = True
) -> Command:
    """Ask a 2.x station for a report of its variables. Returns the command, or the one of a report that the
    station is sending already.
    """
    sent = await journal.run(inventory.running, charge_point.pk) if wait else None
    for base in () if sent is not None else (inventory.FULL, inventory.CONFIGURATION):
        payload = {"requestId": new_number(), "reportBase": base}
        sent = await calls.call(
            charge_point, "GetBaseReport", payload, actor=actor, timeout=timeout, wait=wait
        )
        if sent.status != "NotSupported":
            break
    assert sent is not None
    return sent


async def _chunks(charge_point: ChargePoint, keys: Sequence[str]) -> list[Sequence[str]]:
    """The keys for each CALL, by the limits of the station."""
    action, payload = _request(charge_point, keys)
    limits = await splitting.limits_of(charge_point, action)
    if limits.items is None:
        limits = limits._replace(items=_MOST_16 if has_keys(charge_point) else _MOST_2X)
    field, chunks, start = splitting.RULES[action].items, [], 0
    for part in splitting.split(action, payload, limits):
        end = start + len(part[field])
        chunks.append(keys[start:end])
        start = end
    return chunks


def _request(charge_point: ChargePoint, keys: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The action and payload that ask for these keys."""
    if has_keys(charge_point):
        return "GetConfiguration", {"key": list(keys)} if keys else {}
    return "GetVariables", {"getVariableData": [variable(key, "keys") for key in keys]}


def variable(key: str, field: str) -> dict[str, Any]:
    """The component and variable that a key names. Raises Invalid, with `field` as the wrong input."""
    match = _VARIABLE.fullmatch(key)
    if match is None:
        raise Invalid(f"'{key}' must be Component.Variable or Component[instance].Variable.", field=field)
    *place, name, instance = match.groups()
    return {
        "component": component(*place),
        "variable": {"name": name} | ({"instance": instance} if instance else {}),
    }


def component(name: str, instance: str | None, evse: str | None, connector: str | None) -> dict[str, Any]:
    """A component on the wire."""
    named: dict[str, Any] = {"name": name}
    if instance:
        named["instance"] = instance
    if evse:
        named["evse"] = {"id": int(evse)} | ({"connectorId": int(connector)} if connector else {})
    return named


def is_name(charge_point: ChargePoint, name: str) -> bool:
    """Whether a station of this dialect can be asked for the name."""
    if has_keys(charge_point):
        return len(name) <= _LONGEST_KEY
    return _VARIABLE.fullmatch(name) is not None


def asked(command: Command) -> Sequence[Any]:
    """The keys or variables that a command asked for by name."""
    return command.payload.get("key") or command.payload.get("getVariableData") or ()


def _variables(field: fields.Texts, charge_point: ChargePoint) -> fields.Texts:
    if has_keys(charge_point):
        return field
    help = _(
        "One variable per line, such as OCPPCommCtrlr.HeartbeatInterval. Leave empty to request a report of "
        "all variables."
    )
    return replace(field, label=_("Variables"), help=help)


def _only_2x(field: fields.Flag, charge_point: ChargePoint) -> fields.Flag | None:
    return None if has_keys(charge_point) else field


def _variable(field: fields.Text, charge_point: ChargePoint) -> fields.Text:
    if has_keys(charge_point):
        return field
    return replace(field, label=_("Variable"), help=_("Such as OCPPCommCtrlr.HeartbeatInterval."))


async def _within_limits(
    charge_point: ChargePoint, *, key: str, value: str, force: bool = False
) -> dict[str, Any]:
    """Raises Conflict for a value that the station has reported not to take, unless `force`."""
    # An offline station is refused for that.
    is_checked = not force and live.state().is_connected(charge_point.identity)
    if is_checked and (refusal := await journal.run(limits.to_set, charge_point.pk, key, value)):
        raise Conflict(f"{refusal} Nothing was sent; `force` sends it all the same.", field="value")
    return {"key": key, "value": value}


async def _read(charge_point: ChargePoint, *, keys: Sequence[str] = (), **how: Any) -> Result:
    found = await read(charge_point, list(dict.fromkeys(keys)), **how)
    return Result(found.command, found.data, pending=found.pending)


GET_CONFIGURATION = command(
    "get-configuration",
    _("Get configuration"),
    _("Read the settings of the station."),
    action="GetVariables",
    action_16="GetConfiguration",
    icon="tune",
    position=70,
    fields=(
        fields.Texts(
            "keys",
            _("Keys"),
            most_characters=210,
            help=_("One key per line. Leave empty to read all keys."),
            example=["HeartbeatInterval"],
            adapt=_variables,
        ),
    ),
    run=_read,
    rest=Rest(
        answer="configuration.serializers.LiveSerializer",
        description="In as many requests as the station's limits need. A 1.6 station reports all keys when "
        "none is named. Keys of a 2.x station are Component.Variable; when none is named, it is asked for a "
        "report of all variables. If the report takes longer than `timeout`, the answer is 202: repeat the "
        "request to wait for the same report. `timeout` is for each request.",
    ),
)

CHANGE_CONFIGURATION = command(
    "change-configuration",
    _("Change configuration"),
    _("Set one key or variable of the station."),
    action="SetVariables",
    action_16="ChangeConfiguration",
    icon="edit",
    position=80,
    fields=(
        fields.Text(
            "key",
            _("Key"),
            required=True,
            most=210,
            help=_("A 1.6 key; Component.Variable or Component[instance].Variable in 2.x."),
            example="HeartbeatInterval",
            adapt=_variable,
        ),
        fields.Text("value", _("Value"), required=True, blank=True, most=2500, example="300"),
        fields.Flag(
            "force",
            _("Send a value that the station has not reported to take"),
            help=_("Send it although the variable is read-only, or the value is beyond its reported limits."),
            adapt=_only_2x,
        ),
    ),
    prepare=_within_limits,
    danger=_("A wrong value can take the station offline."),
    spell_2x=lambda key, value: {"setVariableData": [{**variable(key, "key"), "attributeValue": value}]},
    rest=Rest(
        echo=("key",),
        description="A variable of a 2.x station that is reported as read-only, and a value beyond its "
        "reported limits, is refused with 409 unless `force`.",
    ),
)
