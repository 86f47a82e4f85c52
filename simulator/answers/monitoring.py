"""Monitors of variables (2.0.1 N02-N06) and event streams (2.1 N11-N15)."""

import contextlib
import functools
import uuid
from collections.abc import Callable
from typing import Any

import orjson

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.versions import V21, V201
from simulator.wire import SEND, CallFailed, NoAnswer

MONITORS_PER_PART = 10
INTERVAL_S = 60.0  # between two messages of a stream without an interval
CRITERIA = {
    "ThresholdMonitoring": ("UpperThreshold", "LowerThreshold"),
    "DeltaMonitoring": ("Delta", "TargetDelta", "TargetDeltaRelative"),
    "PeriodicMonitoring": ("Periodic", "PeriodicClockAligned"),
}
HARD_WIRED, CUSTOM = "HardWiredMonitor", "CustomMonitor"


class Monitors:
    """The monitors of one station by their ids, and its open event streams."""

    def __init__(self) -> None:
        self.found: dict[int, dict[str, Any]] = {}
        self.streams: dict[int, dict[str, Any]] = {}
        self.base = "All"
        self.level = 9
        self._last = 0

    def add(self, item: dict[str, Any], kind: str) -> int:
        """Install a monitor; an item with an id replaces the one that has it."""
        if "id" not in item:
            self._last += 1
        number: int = item.get("id", self._last)
        self.found[number] = {"transaction": False, **item, "id": number, "eventNotificationType": kind}
        return number

    def clear(self, fits: Callable[[dict[str, Any]], bool]) -> None:
        self.found = {number: one for number, one in self.found.items() if not fits(one)}


def hard_wired() -> Monitors:
    """The monitors of a new station: one that can't be changed."""
    made = Monitors()
    place = {"component": {"name": "ChargingStation"}, "variable": {"name": "AvailabilityState"}}
    made.add({**place, "type": "Delta", "value": 1, "severity": 5}, HARD_WIRED)
    return made


@answers("SetMonitoringBase", V201, V21)
def set_base(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    station.monitors.base = payload["monitoringBase"]
    if station.monitors.base == "All":
        return ACCEPTED
    station.monitors.clear(lambda one: one["eventNotificationType"] == CUSTOM)
    return ACCEPTED, functools.partial(_close_orphans, station)


@answers("SetMonitoringLevel", V201, V21)
def set_level(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if payload["severity"] not in range(10):
        return REJECTED
    station.monitors.level = payload["severity"]
    return ACCEPTED


@answers("SetVariableMonitoring", V201, V21)
def set_monitors(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    results = [_set(station, item) for item in payload["setMonitoringData"]]
    opened = [
        (result["id"], item["periodicEventStream"])
        for item, result in zip(payload["setMonitoringData"], results, strict=True)
        if result["status"] == "Accepted" and "periodicEventStream" in item
    ]
    return {"setMonitoringResult": results}, functools.partial(_open, station, opened)


def _set(station: Any, item: dict[str, Any]) -> dict[str, Any]:
    shown = {name: item[name] for name in ("component", "variable", "type", "severity")}
    status, _variable = station.settings.find(item)
    if status == "Accepted":
        refusal: str = station.misbehaviour.refuses_monitors
        status = refusal or _refused(station.monitors.found, item) or status
    if status != "Accepted":
        return {"status": status, **shown}
    return {"status": status, "id": station.monitors.add(item, CUSTOM), **shown}


def _refused(found: dict[int, dict[str, Any]], item: dict[str, Any]) -> str:
    """Why a monitor is refused (N04.FR.10, FR.13, FR.14, FR.16, FR.18), "" if it is not."""
    if "Delta" in item["type"] and item["value"] < 0:
        return "Rejected"
    known = found.get(item["id"]) if "id" in item else None
    if "id" in item and (
        known is None or known["eventNotificationType"] == HARD_WIRED or _place(known) != _place(item)
    ):
        return "Rejected"
    same = (_place(item), item["type"], item["severity"])
    is_double = any(
        (_place(one), one["type"], one["severity"]) == same and number != item.get("id")
        for number, one in found.items()
    )
    return "Duplicate" if is_double else ""


def _place(item: dict[str, Any]) -> tuple[Any, ...]:
    component, variable = item["component"], item["variable"]
    evse = component.get("evse", {})
    return (
        component["name"],
        component.get("instance"),
        evse.get("id"),
        evse.get("connectorId"),
        variable["name"],
        variable.get("instance"),
    )


@answers("ClearVariableMonitoring", V201, V21)
def clear_monitors(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    results = []
    for number in payload["id"]:
        known = station.monitors.found.get(number)
        status = "Accepted"
        if known is None:
            status = "NotFound"
        elif known["eventNotificationType"] == HARD_WIRED:
            status = "Rejected"
        else:
            del station.monitors.found[number]
        results.append({"id": number, "status": status})
    return {"clearMonitoringResult": results}, functools.partial(_close_orphans, station)


@answers("GetMonitoringReport", V201, V21)
def get_report(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    types = [name for word in payload.get("monitoringCriteria", CRITERIA) for name in CRITERIA[word]]
    wanted = payload.get("componentVariable")
    found = [
        one
        for one in station.monitors.found.values()
        if one["type"] in types and (wanted is None or any(_is_about(one, place) for place in wanted))
    ]
    if not found:
        return {"status": "EmptyResultSet"}
    return ACCEPTED, functools.partial(_report, station, payload["requestId"], found)


def _is_about(one: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a monitor is of the wanted component or variable; what is not named may be anything."""
    asked = _place({"variable": {"name": None}, **wanted})
    return all(part in (None, own) for part, own in zip(asked, _place(one), strict=True))


async def _report(station: Any, request_id: int, found: list[dict[str, Any]]) -> None:
    names = ["id", "transaction", "value", "type", "severity"]
    if station.version == V21:
        names.append("eventNotificationType")
    rows = [
        {
            "component": one["component"],
            "variable": one["variable"],
            "variableMonitoring": [{name: one[name] for name in names}],
        }
        for one in found
    ]
    parts = [rows[at : at + MONITORS_PER_PART] for at in range(0, len(rows), MONITORS_PER_PART)]
    for number, part in enumerate(parts):
        if number == 0 and len(parts) > 1 and station.misbehaviour.loses_report_parts:
            continue
        report = {
            "requestId": request_id,
            "generatedAt": station.clock.text(),
            "seqNo": number,
            "tbc": number + 1 < len(parts),
            "monitor": part,
        }
        await station.notify("NotifyMonitoringReport", report)


# -- event streams -------------------------------------------------------------------------------------------


async def _open(station: Any, opened: list[tuple[int, dict[str, Any]]]) -> None:
    """Open the streams of new monitors, and close those of monitors that lost theirs (N11, N13.FR.06)."""
    streams = station.monitors.streams
    for monitor, params in opened:
        number = max(streams, default=0) + 1
        constant = {"id": number, "variableMonitoringId": monitor, "params": params}
        try:
            answer = await station.call("OpenPeriodicEventStream", {"constantStreamData": constant})
        except (NoAnswer, CallFailed):
            continue
        if answer["status"] == "Accepted":
            streams[number] = constant
            station.background(_flow(station, number), name=f"event stream {number}")
    await _close_orphans(station)


async def _flow(station: Any, number: int) -> None:
    """Send the value of a monitored variable, as a SEND, until the stream is closed (N15)."""
    while (stream := station.monitors.streams.get(number)) is not None:
        await station.clock.sleep(stream["params"].get("interval") or INTERVAL_S)
        monitor = station.monitors.found.get(stream["variableMonitoringId"])
        if number not in station.monitors.streams or monitor is None:
            return
        _status, variable = station.settings.find(monitor)
        data = {
            "id": number,
            "pending": 0,
            "basetime": station.clock.text(),
            "data": [{"t": 0, "v": variable.value}],
        }
        frame = [SEND, str(uuid.uuid4()), "NotifyPeriodicEventStream", data]
        with contextlib.suppress(NoAnswer):
            await station.send_raw(orjson.dumps(frame).decode())


async def _close_orphans(station: Any) -> None:
    """Close the streams whose monitor is gone (N13.FR.05)."""
    streams = station.monitors.streams
    for number in [
        id for id, one in streams.items() if one["variableMonitoringId"] not in station.monitors.found
    ]:
        del streams[number]
        await station.notify("ClosePeriodicEventStream", {"id": number})


@answers("AdjustPeriodicEventStream", V21)
def adjust_stream(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    stream = station.monitors.streams.get(payload["id"])
    if stream is None:
        return REJECTED
    stream["params"] = {**stream["params"], **payload["params"]}
    return ACCEPTED


@answers("GetPeriodicEventStream", V21)
def get_streams(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    streams = list(station.monitors.streams.values())
    return {"constantStreamData": streams} if streams else {}
