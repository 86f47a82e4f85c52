"""Tokens, and the verdict of authorization about them as 1.6 and 2.x spell it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from .times import time

_MAC_SEPARATORS = re.compile(r"[:.\- ]")
_MAC = re.compile(r"[0-9A-Fa-f]{12}")


class IdToken(NamedTuple):
    """A token as a message names it. `type` is the 2.x type; empty in 1.6, which has none."""

    value: str
    type: str = ""


class Verdict(StrEnum):
    """The decision of authorization about a token, independent of the OCPP version."""

    ACCEPTED = "accepted"
    BLOCKED = "blocked"  # an operator blocked it
    EXPIRED = "expired"
    INVALID = "invalid"  # it was never valid
    UNKNOWN = "unknown"  # the token was never added
    CONCURRENT = "concurrent"  # it is in use in another transaction
    WRONG_TIME = "wrong-time"
    WRONG_PLACE = "wrong-place"
    NO_CREDIT = "no-credit"


# 1.6 AuthorizationStatus (7.1). A verdict that is missing here is sent as Invalid: 1.6 has no status for it.
_STATUSES_16 = {
    Verdict.ACCEPTED: "Accepted",
    Verdict.BLOCKED: "Blocked",
    Verdict.EXPIRED: "Expired",
    Verdict.INVALID: "Invalid",
    Verdict.CONCURRENT: "ConcurrentTx",
}
# 2.x AuthorizationStatusEnumType (3.3).
_STATUSES_2X = {
    **_STATUSES_16,
    Verdict.UNKNOWN: "Unknown",
    Verdict.WRONG_TIME: "NotAtThisTime",
    Verdict.WRONG_PLACE: "NotAtThisLocation",
    Verdict.NO_CREDIT: "NoCredit",
}
_VERDICTS = {status: verdict for verdict, status in _STATUSES_16.items()}


def status_16(verdict: Verdict) -> str:
    """The 1.6 AuthorizationStatus of a verdict, which transactions and the REST API show too."""
    return _STATUSES_16.get(verdict, "Invalid")


def status_2x(verdict: Verdict) -> str:
    """The 2.x AuthorizationStatusEnumType of a verdict, which stored refusals show too."""
    return _STATUSES_2X[verdict]


def verdict(status: str) -> Verdict:
    """The verdict of a 1.6 AuthorizationStatus; INVALID for an unknown status."""
    return _VERDICTS.get(status, Verdict.INVALID)


class Decision(Protocol):
    """The part of a decision that an answer contains. Properties, so that a frozen dataclass satisfies it."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def group_id(self) -> str: ...
    @property
    def expires_at(self) -> datetime | None: ...


def id_tag(value: str | None) -> IdToken:
    return IdToken(value or "")


def id_token(value: Mapping[str, Any] | None) -> IdToken | None:
    """2.x IdTokenType (2.28); None when the message has none."""
    if not value:
        return None
    kind, text = str(value.get("type", "")), str(value.get("idToken", ""))
    return IdToken(_vehicle(text) if kind == "MacAddress" else text, kind)


def _vehicle(mac: str) -> str:
    """The MAC address of a vehicle as 1.6 stations write it: "VID:" and 12 hex digits."""
    digits = _MAC_SEPARATORS.sub("", mac)
    return f"VID:{digits.upper()}" if _MAC.fullmatch(digits) else mac


def id_tag_info(decision: Decision) -> dict[str, Any]:
    """1.6 IdTagInfo (7.27)."""
    info: dict[str, Any] = {"status": status_16(decision.verdict)}
    if decision.group_id:
        info["parentIdTag"] = decision.group_id[:20]
    if decision.expires_at is not None:
        info["expiryDate"] = time(decision.expires_at)
    return info


def id_token_info(decision: Decision) -> dict[str, Any]:
    """2.x IdTokenInfoType (2.29)."""
    info: dict[str, Any] = {"status": status_2x(decision.verdict)}
    if decision.group_id:
        info["groupIdToken"] = {"idToken": decision.group_id[:36], "type": "Central"}
    if decision.expires_at is not None:
        info["cacheExpiryDateTime"] = time(decision.expires_at)
    return info
