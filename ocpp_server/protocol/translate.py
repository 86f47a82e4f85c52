"""1.6 nouns and 2.x nouns: connector and EVSE, id token, time, status information. Messages are not
translated, nouns are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, Protocol

# No station was connected before OCPP 1.6; earlier dates are clocks that were never set.
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=1)

_MAC_SEPARATORS = re.compile(r"[:.\- ]")
_MAC = re.compile(r"[0-9A-Fa-f]{12}")
_LEAP_SECOND = re.compile(r":60(?=[.Z+\-]|$)")


class IdToken(NamedTuple):
    """Who presents itself. `type` is the 2.x type; empty in 1.6, which has none."""

    value: str
    type: str = ""


class Decision(Protocol):
    """What authorization decided, as far as the wire must know it. Properties so that frozen records fit."""

    @property
    def status(self) -> str: ...
    @property
    def status_2x(self) -> str: ...
    @property
    def is_unknown(self) -> bool: ...
    @property
    def group_id(self) -> str: ...
    @property
    def expires_at(self) -> datetime | None: ...


def moment(text: object, *, received_at: datetime, zone: tzinfo | None = None) -> tuple[datetime, str]:
    """A station's time as aware UTC, and what was wrong with it ("" when nothing).

    A time that can't be read, before 2015 or more than a day ahead is replaced by the time of receipt: the
    clock was never set, and a bill needs a time. A time without zone is read in the station's assumed zone.
    """
    if not isinstance(text, str) or not text:
        return received_at, "time-missing"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(_LEAP_SECOND.sub(":59", text.strip().upper()))
        except ValueError:
            return received_at, "time-unreadable"
    problem = ""
    if at.tzinfo is None:
        problem = "" if zone else "time-without-zone"
        at = at.replace(tzinfo=zone or UTC)
    try:
        at = at.astimezone(UTC)
    except (OverflowError, ValueError):
        return received_at, "time-implausible"
    if at < EARLIEST or at > received_at + FUTURE:
        return received_at, "time-implausible"
    return at, problem


def time(at: datetime) -> str:
    """A time as we write it: UTC, `Z`, three digits of a second."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def id_tag(value: str | None) -> IdToken:
    return IdToken(value or "")


def id_token(value: Mapping[str, Any] | None) -> IdToken | None:
    """2.x IdTokenType (2.28); None when the message names nobody."""
    if not value:
        return None
    kind, text = str(value.get("type", "")), str(value.get("idToken", ""))
    return IdToken(_vehicle(text) if kind == "MacAddress" else text, kind)


def _vehicle(mac: str) -> str:
    """A vehicle that names itself by its MAC address, as 1.6 stations write it: "VID:" and 12 hex digits."""
    digits = _MAC_SEPARATORS.sub("", mac)
    return f"VID:{digits.upper()}" if _MAC.fullmatch(digits) else mac


def id_tag_info(decision: Decision) -> dict[str, Any]:
    """1.6 IdTagInfo (7.27)."""
    info: dict[str, Any] = {"status": decision.status}
    if decision.group_id:
        info["parentIdTag"] = decision.group_id[:20]
    if decision.expires_at is not None:
        info["expiryDate"] = time(decision.expires_at)
    return info


def id_token_info(decision: Decision) -> dict[str, Any]:
    """2.x IdTokenInfoType (2.29). A token nobody knows is "Unknown" here, where 1.6 only has "Invalid", and
    what is wrong with place, time or credit has words of its own.
    """
    status = decision.status_2x or decision.status
    info: dict[str, Any] = {"status": "Unknown" if decision.is_unknown and status == "Invalid" else status}
    if decision.group_id:
        info["groupIdToken"] = {"idToken": decision.group_id[:36], "type": "Central"}
    if decision.expires_at is not None:
        info["cacheExpiryDateTime"] = time(decision.expires_at)
    return info


class Place(NamedTuple):
    """Where at a station: EVSE and connector; (0, 0) is the station itself, None is not known yet."""

    evse: int | None
    connector: int | None


# What a column holds; stations have sent -1 and more than 32 bits.
_MAX_NUMBER = 2**31 - 1


def place(evse_number: int | None, connector_number: int | None = None) -> Place:
    """A place with what can be a number of an EVSE or connector; the rest is not known."""
    return Place(_number(evse_number), _number(connector_number))


def _number(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= _MAX_NUMBER else None


def connector(number: int) -> Place:
    """1.6: every connector is an EVSE of its own."""
    return place(number, number)


def evse(value: Mapping[str, Any] | None) -> Place:
    """2.x EVSEType (2.21); some stations leave the connector out, or call it 0."""
    if not value:
        return Place(None, None)
    return place(value.get("id"), value.get("connectorId") or None)
