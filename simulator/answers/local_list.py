"""The local authorization list and the authorization cache."""

from datetime import datetime
from typing import Any

from simulator.answers.table import ACCEPTED, answers
from simulator.versions import V16, V21, V201
from simulator.wire import CallFailed


@answers("ClearCache", V16, V201, V21)
def clear_cache(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    station.token_cache.clear()
    return ACCEPTED


@answers("GetLocalListVersion", V16)
def list_version_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {"listVersion": station.local_list_version if station.settings.boolean("local_list") else -1}


@answers("GetLocalListVersion", V201, V21)
def list_version_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    # 2.0.1 D02.FR.02: 0 when the list is switched off.
    return {"versionNumber": station.local_list_version if station.settings.boolean("local_list") else 0}


@answers("SendLocalList", V16)
def send_local_list_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if not station.settings.boolean("local_list"):
        return {"status": "NotSupported"}
    entries = [
        (entry["idTag"], entry.get("idTagInfo")) for entry in payload.get("localAuthorizationList", [])
    ]
    return {"status": _update(station, payload["updateType"], payload["listVersion"], entries)}


@answers("SendLocalList", V201, V21)
def send_local_list_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if not station.settings.boolean("local_list"):
        return {"status": "Failed"}  # 2.x has no word for a list that is switched off
    entries = [
        (entry["idToken"]["idToken"], entry.get("idTokenInfo"))
        for entry in payload.get("localAuthorizationList", [])
    ]
    return {"status": _update(station, payload["updateType"], payload["versionNumber"], entries)}


def _update(station: Any, kind: str, version: int, entries: list[tuple[str, dict[str, Any] | None]]) -> str:
    if refusal := _refusal(station):
        return refusal
    names = [token.lower() for token, _ in entries]
    if version <= 0 or len(set(names)) < len(names):
        return "Failed"
    if len(entries) > station.settings.number("list_items"):
        return "Failed"
    if kind == "Full" and any(info is None for _, info in entries):
        return "Failed"
    if kind == "Differential" and version <= station.local_list_version:
        return "VersionMismatch"
    wanted = {} if kind == "Full" else dict(station.local_list)
    for token, info in entries:
        if info is None:
            wanted.pop(token.lower(), None)
        else:
            wanted[token.lower()] = info
    if len(wanted) > station.settings.number("list_length"):
        return "Failed"
    station.local_list, station.local_list_version = wanted, version
    return "Accepted"


def _refusal(station: Any) -> str:
    """The answer of a station that misbehaves; it may begin after some good ones."""
    behaviour = station.misbehaviour
    if not behaviour.local_list:
        return ""
    if behaviour.local_list_after > 0:
        behaviour.local_list_after -= 1
        return ""
    if behaviour.local_list in ("Failed", "VersionMismatch", "NotSupported"):
        return str(behaviour.local_list)
    raise CallFailed("SendLocalList", behaviour.local_list, "as the test asked")


def status_in_list(station: Any, token: str) -> str | None:
    """The status of a token in the local list; None if it is not there or the list is switched off."""
    info = station.local_list.get(token.lower()) if station.settings.boolean("local_list") else None
    if info is None:
        return None
    expiry = info.get("expiryDate", info.get("cacheExpiryDateTime"))
    if info["status"] == "Accepted" and expiry and datetime.fromisoformat(expiry) <= station.clock.now():
        return "Expired"
    return str(info["status"])
