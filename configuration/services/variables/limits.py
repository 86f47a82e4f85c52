"""The limits that a station has reported for its variables (2.0.1 2.51), compared with a value to be set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.db.models.functions import Lower

from configuration.models import ReportedKey
from configuration.services.variables.described import ACTUAL, READ_ONLY, WRITE_ONLY, is_number
from ocpp_server.protocol.translate import sent_time

# Of a variable with more allowed values, a sentence names so many.
_MOST_NAMED: Final = 20
_LISTS: Final = ("SequenceList", "MemberList")
# 2.0.1 2.51: maxLimit of these types is the largest number of characters.
_TEXTS: Final = ("string", "OptionList", *_LISTS)
_BOOLEANS: Final = ("true", "false")


def refusal(
    name: str, value: str, *, mutability: str | None, characteristics: Mapping[str, Any] | None
) -> str:
    """Why the variable does not take the value, as a sentence; empty if it may. A variable
    without reported limits takes everything.
    """
    if mutability == READ_ONLY:
        return f"{name} is read-only."
    kind, trouble = (characteristics or {}).get("dataType"), ""
    if kind in ("integer", "decimal"):
        trouble = _number(value, characteristics or {}, is_whole=kind == "integer")
    elif kind == "boolean" and value.casefold() not in _BOOLEANS:
        trouble = "must be true or false"
    elif kind == "dateTime" and not _is_time(value):
        trouble = "must be a time such as 2026-11-28T15:00:00Z"
    elif kind in _TEXTS:
        trouble = _text(value, characteristics or {}, is_list=kind in _LISTS)
    return f"{name} {trouble}." if trouble else ""


def _number(value: str, limits: Mapping[str, Any], *, is_whole: bool) -> str:
    try:
        number = Decimal(value)
        is_valid = number.is_finite() and (not is_whole or number == number.to_integral_value())
    except InvalidOperation:
        is_valid = False
    if not is_valid:
        return "must be a whole number" if is_whole else "must be a number"
    low, high = limits.get("minLimit"), limits.get("maxLimit")
    if is_number(low) and number < Decimal(str(low)):
        return f"must be at least {_shown(low)}"
    if is_number(high) and number > Decimal(str(high)):
        return f"must be at most {_shown(high)}"
    return ""


def _text(value: str, limits: Mapping[str, Any], *, is_list: bool) -> str:
    most = limits.get("maxLimit")
    if is_number(most) and len(value) > most:
        return f"must have at most {_shown(most)} characters"
    given = [part.strip() for part in value.split(",")] if is_list and value.strip() else []
    elements = limits.get("maxElements")
    if is_number(elements) and len(given) > elements:
        return f"must have at most {_shown(elements)} values"
    allowed = [part.strip() for part in str(limits.get("valuesList") or "").split(",") if part.strip()]
    if limits.get("dataType") == "string" or not allowed:
        return ""
    known = {one.casefold() for one in allowed}
    if all(one.casefold() in known for one in (given if is_list else [value.strip()])):
        return ""
    more = ", …" if len(allowed) > _MOST_NAMED else ""
    words = "have only values out of" if is_list else "be one of"
    return f"must {words} {', '.join(allowed[:_MOST_NAMED])}{more}"


def _shown(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _is_time(text: str) -> bool:
    try:
        sent_time(text)
    except (ValueError, OverflowError):
        return False
    return True


def words(row: ReportedKey) -> str:
    """The characteristics in a few words for people: "integer, s, 1 to 300"."""
    found = row.characteristics or {}
    low, high = found.get("minLimit"), found.get("maxLimit")
    parts = [found.get("dataType", ""), found.get("unit", "")]
    if is_number(low) and is_number(high):
        parts.append(f"{_shown(low)} – {_shown(high)}")
    elif is_number(low):
        parts.append(f"≥ {_shown(low)}")
    elif is_number(high):
        parts.append(f"≤ {_shown(high)}")
    parts.append(str(found.get("valuesList", "")))
    return ", ".join(filter(None, parts))


# -- the rows ------------------------------------------------------------------------------------------------


def described(charge_point_pk: int, names: Iterable[str]) -> dict[str, ReportedKey]:
    """The described variables of these names, by the name in lower case. Uses the database."""
    rows = ReportedKey.objects.annotate(lower=Lower("key")).filter(
        charge_point=charge_point_pk,
        lower__in={name.lower() for name in names},
        mutability__isnull=False,
        gone_at=None,
    )
    return {row.key.lower(): row for row in rows}


def of_row(row: ReportedKey | None, name: str, value: str, attribute: str = ACTUAL) -> str:
    """`refusal` by the row of a variable; empty for one that the station has not described."""
    if row is None:
        return ""
    mutability = row.mutability
    if attribute != ACTUAL:
        mutability = (row.attributes or {}).get(attribute, {}).get("mutability")
    return refusal(name, value, mutability=mutability, characteristics=row.characteristics)


def to_set(charge_point_pk: int, name: str, value: str) -> str:
    """Why the station's variable does not take the value, or "". Uses the database."""
    return of_row(described(charge_point_pk, [name]).get(name.lower()), name, value)


def to_wish(charge_point_pk: int, name: str, value: str) -> str:
    """Why a variable can't have this desired value, or "". Uses the database."""
    row = described(charge_point_pk, [name]).get(name.lower())
    if row is not None and row.mutability == WRITE_ONLY:
        return f"{name} is write-only: the station never reports its value, so it can't be compared."
    return of_row(row, name, value)
