"""Monitors of variables as 2.x spells them (N02-N06; 2.1 N11)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .connectors import evse

CUSTOM: Final = "CustomMonitor"
HARD_WIRED: Final = "HardWiredMonitor"
HARD_WIRED_NOTIFICATION: Final = "HardWiredNotification"
PRECONFIGURED: Final = "PreconfiguredMonitor"

# The types that each criterion of GetMonitoringReport is about (2.1 Edition 2 N02.FR.12 to FR.14).
CRITERIA: Final = {
    "ThresholdMonitoring": ("UpperThreshold", "LowerThreshold"),
    "DeltaMonitoring": ("Delta", "TargetDelta", "TargetDeltaRelative"),
    "PeriodicMonitoring": ("Periodic", "PeriodicClockAligned"),
}
TYPES: Final = tuple(name for names in CRITERIA.values() for name in names)
TYPES_201: Final = tuple(name for name in TYPES if not name.startswith("Target"))
SEVERITIES: Final = range(10)
# The largest numbers of the columns.
_INT64: Final = 2**63 - 1
_INT32: Final = 2**31 - 1


class Monitored(NamedTuple):
    """A variable of a component, of an EVSE or connector where these are not None."""

    component: str
    component_instance: str
    evse: int | None
    connector: int | None
    variable: str
    variable_instance: str

    @property
    def name(self) -> str:
        """`Component.Variable`, such as `Connector(1.2).AvailabilityState`; instances in brackets."""
        component = (
            f"{self.component}[{self.component_instance}]" if self.component_instance else self.component
        )
        variable = f"{self.variable}[{self.variable_instance}]" if self.variable_instance else self.variable
        connector = "" if self.connector is None else f".{self.connector}"
        place = "" if self.evse is None else f"({self.evse}{connector})"
        return f"{component}{place}.{variable}"


class Stream(NamedTuple):
    """When a station sends the values of a stream: after some seconds, or when it has some values."""

    interval: int | None = None
    values: int | None = None


_NONE: Final = Stream()


class Monitor(NamedTuple):
    """A monitor. `kind` is empty where the station does not report it."""

    id: int
    of: Monitored
    type: str
    value: float
    severity: int
    is_for_transactions: bool
    kind: str = ""
    stream: Stream = _NONE


def monitored(described: Mapping[str, Any]) -> Monitored:
    """The variable that `component` and `variable` name; too long names are cut to the columns."""
    component, variable = described["component"], described["variable"]
    place = evse(component.get("evse"))
    return Monitored(
        component["name"][:50],
        component.get("instance", "")[:50],
        place.evse,
        place.connector,
        variable["name"][:50],
        variable.get("instance", "")[:50],
    )


def reported_monitors(request: Mapping[str, Any]) -> Iterator[Monitor]:
    """The monitors of a NotifyMonitoringReport. One that no column can hold is left out."""
    for described in request.get("monitor", ()):
        of = monitored(described)
        for one in described["variableMonitoring"]:
            found = _monitor(one["id"], of, one, kind=one.get("eventNotificationType", ""))
            if found is not None:
                yield found


def set_monitors(request: Mapping[str, Any], response: Mapping[str, Any]) -> Iterator[Monitor]:
    """The monitors of a SetVariableMonitoring that the station has accepted.

    The results name the component, variable, type and severity, in any order (N04.FR.02); a station that
    names them wrongly is believed where there are as many results as items.
    """
    for item, result in _pairs(request["setMonitoringData"], response["setMonitoringResult"]):
        id = result.get("id", item.get("id"))
        if result["status"] == "Accepted" and id is not None:
            params = stream(item.get("periodicEventStream") or {})
            found = _monitor(id, monitored(item), item, kind=CUSTOM, params=params)
            if found is not None:
                yield found


def _pairs(
    asked: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each item with its result."""
    places: dict[tuple[Any, ...], deque[int]] = {}
    for place, item in enumerate(asked):
        places.setdefault(_key(item), deque()).append(place)
    unnamed, left = [], set(range(len(asked)))
    for place, result in enumerate(results):
        same = places.get(_key(result))
        if not same:
            unnamed.append(place)
            continue
        found = same.popleft()
        left.remove(found)
        yield asked[found], result
    if len(asked) == len(results):
        yield from ((asked[place], results[place]) for place in unnamed if place in left)


def cleared_monitors(response: Mapping[str, Any]) -> list[int]:
    """The ids of a ClearVariableMonitoring that the station does not have any more, or never had."""
    results = response["clearMonitoringResult"]
    return [one["id"] for one in results if one["status"] in ("Accepted", "NotFound") and fits(one["id"])]


def stream(params: Mapping[str, Any]) -> Stream:
    """PeriodicEventStreamParamsType; a number that no column can hold counts as missing."""
    return Stream(_small(params.get("interval")), _small(params.get("values")))


def fits(id: int) -> bool:
    """Whether the column can hold an id."""
    return abs(id) <= _INT64


def _small(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= _INT32 else None


def _key(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return monitored(item), item["type"], item["severity"]


def _monitor(
    id: int, of: Monitored, item: Mapping[str, Any], *, kind: str, params: Stream = _NONE
) -> Monitor | None:
    """None for one that no column can hold."""
    try:
        value = float(item["value"])
    except OverflowError:
        return None
    if not fits(id) or not math.isfinite(value):
        return None
    return Monitor(
        id,
        of,
        item["type"][:32],
        value,
        max(0, min(item["severity"], SEVERITIES[-1])),
        bool(item.get("transaction", False)),
        kind[:32],
        params,
    )
