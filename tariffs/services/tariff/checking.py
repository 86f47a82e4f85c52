"""Check a tariff before it is sent, and explain the answers of stations (2.1 I07, I08, I11)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext, gettext_noop

from chargepoints.models import ChargePoint
from ocpp_server import capabilities
from ocpp_server.domain import Conflict, Invalid
from tariffs.models import StationTariff

FIELD: Final = "tariff"
MAX_ELEMENTS: Final = "TariffCostCtrlr.MaxElements[Tariff]"
CONDITIONS: Final = "TariffCostCtrlr.ConditionsSupported[Tariff]"

# The prices of a tariff by dimension (2.1 TariffType).
_DIMENSIONS: Final = (
    "energy",
    "chargingTime",
    "idleTime",
    "fixedFee",
    "reservationTime",
    "reservationFixed",
)
_TIMES, _DATES = ("startTimeOfDay", "endTimeOfDay"), ("validFromDate", "validToDate")
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
# The hash of a tariff without an id of its own has this many hexadecimal digits.
_ID_DIGITS: Final = 32

_EXPLANATIONS: Final[Mapping[str, str]] = {
    "Rejected": gettext_noop("The station refused the tariff."),
    "TooManyElements": gettext_noop("The tariff has more prices than the station can take."),
    "ConditionNotSupported": gettext_noop("The tariff has conditions that the station does not support."),
    "DuplicateTariffId": gettext_noop(
        "The station has a tariff with this ID. A changed tariff needs another ID."
    ),
    "TxNotFound": gettext_noop("The station does not know the session, or it has ended."),
    "NoCurrencyChange": gettext_noop("The session's tariff has another currency."),
}

Problem = tuple[str, str]


def explanation(status: str) -> str:
    """The meaning of a station's answer to a tariff, as a sentence; empty for an accepted one."""
    known = _EXPLANATIONS.get(status)
    return gettext(known) if known else ""


def with_id(tariff: Mapping[str, Any]) -> dict[str, Any]:
    """The tariff with an id: its own, or a hash of its content, so that another content has another id
    (I08.FR.08). A null is no id.
    """
    if tariff.get("tariffId") is not None:
        return dict(tariff)
    content = {name: value for name, value in tariff.items() if name != "tariffId"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return {"tariffId": hashlib.sha256(text).hexdigest()[:_ID_DIGITS], **content}


def problems(tariff: Mapping[str, Any]) -> Iterator[Problem]:
    """The faults of a tariff beyond those that its schema finds: (field, sentence)."""
    if not _CURRENCY.fullmatch(str(tariff.get("currency"))):
        yield f"{FIELD}.currency", gettext("Must be a code of ISO 4217, such as EUR.")
    dimensions = [name for name in _DIMENSIONS if isinstance(tariff.get(name), dict)]
    if not dimensions:
        yield FIELD, gettext("Needs a price: one of %(names)s.") % {"names": ", ".join(_DIMENSIONS)}
    for name, conditions in prices(tariff).items():
        for place, one in enumerate(conditions):
            yield from _conditions(f"{FIELD}.{name}.prices[{place}].conditions", one)


def prices(tariff: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The conditions of each price by dimension, empty for a price without any. A price that the
    schema would refuse counts as one without conditions.
    """
    found = {}
    for name in _DIMENSIONS:
        part = tariff.get(name)
        listed = part.get("prices") if isinstance(part, dict) else None
        each = listed if isinstance(listed, list) else []
        conditions = [one.get("conditions") if isinstance(one, dict) else None for one in each]
        found[name] = [one if isinstance(one, dict) else {} for one in conditions]
    return found


def _conditions(where: str, conditions: Mapping[str, Any]) -> Iterator[Problem]:
    """I07.FR.17: local times as hh:mm; the schema takes any text."""
    for name in _TIMES:
        if name in conditions and not _TIME.fullmatch(str(conditions[name])):
            yield f"{where}.{name}", gettext("Must be a time of day such as 08:00.")
    for name in _DATES:
        if name in conditions and not _is_date(str(conditions[name])):
            yield f"{where}.{name}", gettext("Must be a date such as 2026-11-30.")


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def check(tariff: Mapping[str, Any]) -> None:
    """Raise Invalid with the fields that are wrong, and Conflict for the id of another tariff.

    Uses the database.
    """
    wrong = [{"field": field, "reason": reason} for field, reason in problems(tariff)]
    if wrong:
        raise Invalid("The tariff is not valid.", errors=wrong)
    known = (
        StationTariff.objects.filter(tariff_id=str(tariff["tariffId"]), tariff__isnull=False)
        .order_by("-set_at")
        .values_list("tariff", flat=True)
        .first()
    )
    if known is not None and known != tariff:
        raise Conflict(
            f"Another tariff has the ID {tariff['tariffId']}. Costs of sessions refer to it, so a changed "
            "tariff needs another tariffId."
        )


def doubts(charge_point: ChargePoint, tariff: Mapping[str, Any]) -> str:
    """Sentences about the parts of a tariff that the station reports it can't take; empty if there are none.

    Uses the database.
    """
    reported = capabilities.reports.app.values(charge_point.pk, (MAX_ELEMENTS, CONDITIONS))
    listed = prices(tariff).values()
    most, count = reported.get(MAX_ELEMENTS, ""), max(map(len, listed), default=0)
    found = []
    if most.isascii() and most.isdecimal() and count > int(most):
        found.append(f"The station takes {most} prices of a kind, and the tariff has {count}.")
    has_conditions = any(one for conditions in listed for one in conditions)
    if has_conditions and reported.get(CONDITIONS, "").strip().casefold() == "false":
        found.append("The station reports that it does not support conditions.")
    return " ".join(found)
