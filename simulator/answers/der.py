"""Controls of distributed energy resources (2.1 R04)."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, Answer, answers
from simulator.versions import V21

_NOT_FOUND = {"status": "NotFound"}
# The list of a report, and the field of the settings in it, for the fields of SetDERControl. The entries of
# some lists say neither whether they are defaults nor whether they are superseded.
_LISTS = {
    "curve": "curve",
    "enterService": "enterService",
    "fixedPFAbsorb": "fixedPF",
    "fixedPFInject": "fixedPF",
    "fixedVar": "fixedVar",
    "freqDroop": "freqDroop",
    "gradient": "gradient",
    "limitMaxDischarge": "limitMaxDischarge",
}
_PLAIN = ("enterService", "gradient")


def _field(control: dict[str, Any]) -> str:
    return next(name for name in _LISTS if name in control)


def _priority(control: dict[str, Any]) -> int:
    return int(control[_field(control)]["priority"])


@answers("SetDERControl", V21)
def set_control(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Of the controls of one type and kind, the lowest priority counts and supersedes the others."""
    if not any(name in payload for name in _LISTS):
        return {"status": "Rejected"}
    controls = station.der_controls
    controls[payload["controlId"]] = payload | {"isSuperseded": False}
    alike = [
        one
        for one in controls.values()
        if (one["controlType"], one["isDefault"]) == (payload["controlType"], payload["isDefault"])
    ]
    best = min(alike, key=_priority)
    superseded = []
    for one in alike:
        was, one["isSuperseded"] = one["isSuperseded"], one is not best
        if one["isSuperseded"] and not was:
            superseded.append(one["controlId"])
    return ACCEPTED | ({"supersededIds": superseded} if superseded else {})


def _fitting(station: Any, where: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("isDefault", "controlType", "controlId")
    return [
        one
        for one in station.der_controls.values()
        if all(where[name] == one[name] for name in names if name in where)
    ]


@answers("GetDERControl", V21)
def get_controls(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    found = _fitting(station, payload)
    if not found:
        return _NOT_FOUND
    return ACCEPTED, functools.partial(_report, station, payload["requestId"], found)


async def _report(station: Any, request_id: int, found: list[dict[str, Any]]) -> None:
    for number, one in enumerate(found, start=1):
        name = _field(one)
        entry = {"id": one["controlId"], _LISTS[name]: one[name]}
        if name not in _PLAIN:
            entry |= {"isDefault": one["isDefault"], "isSuperseded": one["isSuperseded"]}
        if name == "curve":
            entry["curveType"] = one["controlType"]
        report = {"requestId": request_id, name: [entry], "tbc": number < len(found)}
        await station.notify("ReportDERControl", report)


@answers("ClearDERControl", V21)
def clear_controls(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found = _fitting(station, payload)
    for one in found:
        del station.der_controls[one["controlId"]]
    return ACCEPTED if found else _NOT_FOUND
