"""The local authorization list as 1.6 (5.10, 5.15) and 2.x (D01, D02) spell it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ocpp_server.protocol.versions import V16, in_dialect

from .tokens import Decision, IdToken, id_tag_info, id_token_info

# The largest version number of a list: OCPP's integers have 32 bits.
LARGEST_VERSION: Final = 2**31 - 1
# 1.6: an idTag is a CiString20. 2.x: an idToken has 36 characters.
_LONGEST_16, _LONGEST_2X = 20, 36
# A vehicle's MAC address, as 1.6 stations and the rows of tokens write it.
_VEHICLE = "VID:"
_SEPARATORS = re.compile(r"[:.\- ]")
# The keys and variables that limit a list. The station reports the maxLimit of Entries only with its
# inventory.
_KEYS_16: Final = (
    "SupportedFeatureProfiles",
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
)
_VARIABLES_2X: Final = ("Available", "Enabled", "ItemsPerMessage", "BytesPerMessage")
_COMPONENT: Final = "LocalAuthListCtrlr"
CAPACITY_2X: Final = "LocalAuthListCtrlr.Entries.maxLimit"


def fits(version: str, uid: str) -> bool:
    """Whether a token's uid is short enough for the lists of a version."""
    return len(uid) <= in_dialect(version, _LONGEST_16, _LONGEST_2X)


def listed_token(version: str, uid: str, kind: str) -> IdToken:
    """A token as a list of this version names it. `kind` is its 2.x type, which 1.6 does not have."""
    if version == V16:
        return IdToken(uid)
    if uid.upper().startswith(_VEHICLE):
        return IdToken(_SEPARATORS.sub("", uid[len(_VEHICLE) :]), "MacAddress")
    return IdToken(uid, kind)


def list_entry(version: str, token: IdToken, decision: Decision | None) -> dict[str, Any]:
    """AuthorizationData (1.6 7.3, 2.0.1 2.6). Without a decision it removes the token."""
    if version == V16:
        return {"idTag": token.value} | ({} if decision is None else {"idTagInfo": id_tag_info(decision)})
    info = {} if decision is None else {"idTokenInfo": id_token_info(decision)}
    return {"idToken": {"idToken": token.value, "type": token.type}, **info}


def list_update(version: str, *, is_full: bool, number: int, entries: Sequence[Any]) -> dict[str, Any]:
    """The payload of SendLocalList. A Full list without entries empties the station's list."""
    kind = "Full" if is_full else "Differential"
    payload = {in_dialect(version, "listVersion", "versionNumber"): number, "updateType": kind}
    return payload | ({"localAuthorizationList": list(entries)} if entries else {})


def list_version(version: str, payload: dict[str, Any]) -> int:
    """The number in a SendLocalList, or in the answer to GetLocalListVersion.

    0 is an empty list, in 2.x also one that is switched off; -1 is a 1.6 station without a list.
    """
    return int(payload[in_dialect(version, "listVersion", "versionNumber")])


def limit_names(version: str) -> tuple[str, ...]:
    """The keys or variables about a list that a station reports."""
    variables = (*_VARIABLES_2X, CAPACITY_2X.partition(".")[2])
    return in_dialect(version, _KEYS_16, tuple(f"{_COMPONENT}.{name}" for name in variables))


def enabled_name(version: str) -> str:
    """The key or variable with which a list is switched on and off."""
    return in_dialect(version, "LocalAuthListEnabled", f"{_COMPONENT}.Enabled")


def capacity_name(version: str) -> str:
    """The key with the most entries of a list; in 2.x the name under which the server stores that limit."""
    return in_dialect(version, "LocalAuthListMaxLength", CAPACITY_2X)


def reported_capacity(described: Mapping[str, Any]) -> int | None:
    """The most entries of a list, if this variable of a NotifyReport has it (2.x maxLimit of Entries)."""
    names = described["component"]["name"], described["variable"]["name"]
    limit = described.get("variableCharacteristics", {}).get("maxLimit")
    return int(limit) if names == (_COMPONENT, "Entries") and limit is not None else None


def limits_request(version: str) -> tuple[str, dict[str, Any]]:
    """The action and payload that ask a station whether it has a list, and for its limits."""
    if version == V16:
        return "GetConfiguration", {"key": list(_KEYS_16)}
    asked = [{"component": {"name": _COMPONENT}, "variable": {"name": name}} for name in _VARIABLES_2X]
    return "GetVariables", {"getVariableData": asked}
