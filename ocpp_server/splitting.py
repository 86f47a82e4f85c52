"""Commands with more items than the station takes in one message: sent in parts, and answered as one.

A station reports the most items (ItemsPerMessage, GetConfigurationMaxKeys) and the most bytes
(BytesPerMessage) of a message. Reading a configuration and the generic command use the same rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Final, NamedTuple

import orjson

from ocpp_server import capabilities
from ocpp_server.domain import Conflict, DomainError
from ocpp_server.error_codes import Code
from ocpp_server.observability.masking import masked
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls, outcomes
from ocpp_server.transport.command_store import Addressee

# One request leads to at most this many CALLs.
MOST_CALLS: Final = 100
# The bytes of a CALL beside its action and payload: brackets, quotes and the message id.
_FRAME_BYTES: Final = 50


class Rule(NamedTuple):
    """The list in the payload that a station limits, and the keys or variables with its limits.

    `results` are the lists of the answer, which are put together; an action without any can't be split.
    `advice` says what to send instead.
    """

    items: str
    most: tuple[str, ...]
    bytes: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    advice: str = ""


class Limits(NamedTuple):
    """The reported limits; None for a limit that the station has not reported."""

    items: int | None = None
    bytes: int | None = None


def _of(component: str, variable: str, instance: str) -> tuple[str, str]:
    """The names of a variable with an instance. Some stations put the instance behind the component."""
    return f"{component}.{variable}[{instance}]", f"{component}[{instance}].{variable}"


def _rule(component: str, action: str, items: str, *results: str, advice: str = "") -> Rule:
    most, size = _of(component, "ItemsPerMessage", action), _of(component, "BytesPerMessage", action)
    return Rule(items, most, size, results, advice)


# 1.6 9.1, 9.2; 2.0.1 part 2 appendix 2: DeviceDataCtrlr, MonitoringCtrlr, LocalAuthListCtrlr.
RULES: Final[dict[str, Rule]] = {
    "GetConfiguration": Rule("key", ("GetConfigurationMaxKeys",), results=("configurationKey", "unknownKey")),
    "GetVariables": _rule("DeviceDataCtrlr", "GetVariables", "getVariableData", "getVariableResult"),
    "SetVariables": _rule("DeviceDataCtrlr", "SetVariables", "setVariableData", "setVariableResult"),
    "SetVariableMonitoring": _rule(
        "MonitoringCtrlr", "SetVariableMonitoring", "setMonitoringData", "setMonitoringResult"
    ),
    "ClearVariableMonitoring": _rule(
        "MonitoringCtrlr", "ClearVariableMonitoring", "id", "clearMonitoringResult"
    ),
    # Two reports under one requestId would mix.
    "GetReport": _rule(
        "DeviceDataCtrlr",
        "GetReport",
        "componentVariable",
        advice="Send several GetReport, each with a requestId of its own.",
    ),
    # Its limit is that of GetReport (N02.FR.07).
    "GetMonitoringReport": _rule(
        "DeviceDataCtrlr",
        "GetReport",
        "componentVariable",
        advice="Send several GetMonitoringReport, each with a requestId of its own.",
    ),
    # Each update needs a version number of its own, which only the sender can choose.
    "SendLocalList": Rule(
        "localAuthorizationList",
        ("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage"),
        ("LocalAuthListCtrlr.BytesPerMessage",),
        advice="Send a Full list with the first ones, and then Differential updates, each with a higher "
        "versionNumber.",
    ),
}


# -- the rule ------------------------------------------------------------------------------------------------


def split(action: str, payload: Mapping[str, Any], limits: Limits) -> list[dict[str, Any]]:
    """The payloads of the parts, in order; the payload alone if it is within the limits.

    A single item that is larger than a message is sent alone: the station refuses it. Raises Conflict if the
    action can't be split, or would need more than MOST_CALLS messages.
    """
    rule = RULES[action]
    items = payload.get(rule.items)
    if not isinstance(items, list) or len(items) < 2:
        return [dict(payload)]
    parts = [{**payload, rule.items: part} for part in parts_of(items, action, payload, limits)]
    if len(parts) > 1 and not rule.results:
        raise _too_many(rule, limits, "")
    if len(parts) > MOST_CALLS:
        sentence = f"This would need {len(parts)} messages; at most {MOST_CALLS} are sent."
        raise _too_many(rule, limits, sentence)
    return parts


def parts_of(
    items: Sequence[Any], action: str, payload: Mapping[str, Any], limits: Limits
) -> Iterator[list[Any]]:
    """The items of each part. An item that is larger than a message is alone in its part."""
    part: list[Any] = []
    size = 0
    empty = _FRAME_BYTES + len(action) + len(orjson.dumps({**payload, RULES[action].items: []}))
    for item in items:
        more = len(orjson.dumps(item)) + 1  # the comma
        is_full = limits.items is not None and len(part) >= limits.items
        is_large = limits.bytes is not None and empty + size + more > limits.bytes
        if part and (is_full or is_large):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    yield part


def _too_many(rule: Rule, limits: Limits, sentence: str) -> Conflict:
    most = [f"{limits.items} items" if limits.items else "", f"{limits.bytes} bytes" if limits.bytes else ""]
    reported = " and ".join(filter(None, most))
    return Conflict(
        f"The station takes at most {reported} of {rule.items} in a message. {sentence or rule.advice}",
        field=f"payload.{rule.items}",
        data={
            name: value
            for name, value in (("limit", limits.items), ("limitBytes", limits.bytes))
            if value is not None
        },
        code=Code.NOT_SUPPORTED,
    )


def joined(action: str, responses: Sequence[Any]) -> dict[str, Any]:
    """One answer of the same shape. Other fields than the lists are those of the first answer."""
    found = [response for response in responses if isinstance(response, dict)]
    whole: dict[str, Any] = dict(found[0]) if found else {}
    for name in RULES[action].results:
        lists = [response[name] for response in found if isinstance(response.get(name), list)]
        if lists:
            whole[name] = [item for one in lists for item in one]
    return whole


# -- the limits of a station ---------------------------------------------------------------------------------


async def limits_of(charge_point: Addressee, action: str) -> Limits:
    """The limits that a station has reported for an action. Uses the database."""
    rule = RULES[action]
    # A key of 1.6 has no component. Rows of both dialects may be left from before an update.
    is_2x = in_dialect(charge_point.ocpp_version, False, True)
    names = [name for name in (*rule.most, *rule.bytes) if ("." in name) == is_2x]
    if not names:
        return Limits()
    reported = await journal.run(capabilities.reports.app.values, charge_point.pk, names)
    return Limits(_smallest(reported, rule.most), _smallest(reported, rule.bytes))


def _smallest(reported: Mapping[str, str], names: Collection[str]) -> int | None:
    """The smallest positive number under these names; a text that is no number is no limit."""
    texts = [reported[name].strip() for name in names if name in reported]
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]
    return min(filter(None, numbers), default=None)


# -- sending -------------------------------------------------------------------------------------------------


async def send(
    charge_point: Addressee, action: str, payload: dict[str, Any], **how: Any
) -> tuple[Any, dict[str, Any] | None]:
    """Send a CALL, in parts where the station needs them, one after the other.

    Returns the row of the command, and what an answer shows besides for a command in parts: the whole answer
    and the ids of the parts. The row then has the id of the first part and the state of the whole; a part
    without an answer ends the sequence, and its row is returned. Raises the errors of `calls.call` and
    `split`.
    """
    parts = [payload]
    rule = RULES.get(action)
    items = payload.get(rule.items) if rule is not None else None
    if isinstance(items, list) and len(items) > 1:
        await calls.check(charge_point, action, payload)  # before any part is sent
        parts = split(action, payload, await limits_of(charge_point, action))
    rows: list[Any] = []
    for part in parts:
        try:
            row: Any = await calls.call(charge_point, action, part, **how)
        except DomainError as error:
            if rows:
                error.sentence += f" {len(rows)} of {len(parts)} parts were sent before."
                error.data |= _shown(action, rows)
            raise
        rows.append(row)
        if how.get("wait", True) and row.state not in outcomes.ANSWERED:
            break
    if len(parts) == 1:
        return rows[0], None
    shown = _shown(action, rows)
    if shown["response"] is None or rows[-1].state not in outcomes.ANSWERED:
        return rows[-1] if how.get("wait", True) else rows[0], shown
    whole = copy(rows[0])
    whole.response = shown["response"]
    whole.state, whole.status = outcomes.state_and_status(action, whole.response)
    return whole, shown


def _shown(action: str, rows: Sequence[Any]) -> dict[str, Any]:
    """The fields of an answer about a command in parts: the answers so far as one, secrets masked."""
    answered = [row.response for row in rows if row.state in outcomes.ANSWERED]
    response = masked(joined(action, answered), action) if answered else None
    return {"action": action, "response": response, "requestIds": [row.id for row in rows]}
