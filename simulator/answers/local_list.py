"""The local authorization list and the authorization cache."""

from typing import Any

from simulator.answers.table import ACCEPTED, answers
from simulator.versions import V16, V21, V201


@answers("ClearCache", V16, V201, V21)
def clear_cache(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    station.token_cache.clear()
    return ACCEPTED


@answers("GetLocalListVersion", V16)
def list_version_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {"listVersion": station.local_list_version if station.settings.boolean("local_list") else -1}


@answers("GetLocalListVersion", V201, V21)
def list_version_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return {"versionNumber": station.local_list_version}


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
    entries = [
        (entry["idToken"]["idToken"], entry.get("idTokenInfo"))
        for entry in payload.get("localAuthorizationList", [])
    ]
    return {"status": _update(station, payload["updateType"], payload["versionNumber"], entries)}


def _update(station: Any, kind: str, version: int, entries: list[tuple[str, dict[str, Any] | None]]) -> str:
    if version <= 0 or (kind == "Full" and any(info is None for _, info in entries)):
        return "Failed"
    if kind == "Full":
        station.local_list = {}
    elif version <= station.local_list_version:
        return "VersionMismatch"
    for token, info in entries:
        if info is None:
            station.local_list.pop(token.lower(), None)
        else:
            station.local_list[token.lower()] = info
    station.local_list_version = version
    return "Accepted"
