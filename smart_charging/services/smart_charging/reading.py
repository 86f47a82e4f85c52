"""Read a charging profile that a caller of the API has given, field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ocpp_server.domain import Invalid
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile, Period, Schedule
from ocpp_server.protocol.translate.charging_profiles import (
    ABSOLUTE,
    DYNAMIC,
    PERIOD_21,
    TX_DEFAULT,
    purpose,
)
from smart_charging.services.smart_charging import reading_21

PERIODS: Final = "chargingSchedulePeriod"
# The fields of a profile in the API, by the names of OCPP.
FIELDS: Final = frozenset(
    {
        "chargingProfileId", "stackLevel", "chargingProfilePurpose", "chargingProfileKind", "recurrencyKind",
        "validFrom", "validTo", "transactionId", "chargingRateUnit", "startSchedule", "duration",
        "minChargingRate", PERIODS, *reading_21.SCHEDULE, *reading_21.PROFILE,
    }
)  # fmt: skip
_PERIOD_FIELDS: Final = frozenset({"startPeriod", "limit", "numberPhases", "phaseToUse", *PERIOD_21})
_KINDS: Final = (ABSOLUTE, "Recurring", "Relative", DYNAMIC)
_RECURRENCIES: Final = ("Daily", "Weekly")
_UNITS: Final = ("A", "W")
# The most periods of a schedule (2.x), and the largest integer of OCPP.
MOST_PERIODS: Final = 1024
_LARGEST: Final = 2**31 - 1


def read(given: Mapping[str, Any], *, at: datetime, below: str = "") -> ChargingProfile:
    """The profile from the fields of the API. Raises Invalid with every wrong field; `below` is in front of
    their names.

    Absolute from `at` on unless another kind is given, so a limit alone is a profile. Without an id it has 0.
    """
    return _Reader(given, at, below).profile()


class _Reader:
    """The fields of one profile, and the reasons why some of them are wrong."""

    def __init__(self, given: Mapping[str, Any], at: datetime, below: str) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}
        self._at = at
        self._below = below
        self._errors: list[dict[str, str]] = []

    def profile(self) -> ChargingProfile:
        for name in sorted(self._given.keys() - FIELDS):
            self._refuse(name, f"Unknown; known are {', '.join(sorted(FIELDS))}.")
        kind = self._word("chargingProfileKind", _KINDS, ABSOLUTE)
        start = self._time("startSchedule")
        if start is None and kind == ABSOLUTE and "startSchedule" not in self._given:
            start = self._at
        profile = ChargingProfile(
            id=self._whole("chargingProfileId") or 0,
            stack_level=self._whole("stackLevel") or 0,
            purpose=purpose(self._text("chargingProfilePurpose") or TX_DEFAULT),
            kind=kind,
            recurrency=self._word("recurrencyKind", _RECURRENCIES, ""),
            valid_from=self._time("validFrom"),
            valid_to=self._time("validTo"),
            transaction_id=str(self._given.get("transactionId", "")),
            more=self._of_profile(kind),
            schedule=Schedule(
                unit=self._word("chargingRateUnit", _UNITS, "A"),
                periods=self._periods(),
                start=start,
                duration_s=self._whole("duration", least=1),
                min_rate=self._limit(self._given, "minChargingRate", "minChargingRate"),
                more=self._more(self._given, reading_21.SCHEDULE),
            ),
        )
        if self._errors:
            raise Invalid("The charging profile is not valid.", errors=self._errors)
        return profile

    def _periods(self) -> tuple[Period, ...]:
        values = self._given.get(PERIODS)
        if not isinstance(values, list) or not values or len(values) > MOST_PERIODS:
            self._refuse(PERIODS, f"Must be a list of 1 to {MOST_PERIODS} periods.")
            return ()
        return tuple(self._period(value, f"{PERIODS}[{place}]") for place, value in enumerate(values))

    def _period(self, value: Any, where: str) -> Period:
        if not isinstance(value, dict):
            self._refuse(where, "Must be an object with startPeriod and limit.")
            return Period(0, None)  # equivalent: the refusal ends the reading
        for name in sorted(value.keys() - _PERIOD_FIELDS):
            self._refuse(f"{where}.{name}", f"Unknown; known are {', '.join(sorted(_PERIOD_FIELDS))}.")
        limit = self._limit(value, "limit", f"{where}.limit")
        if value.get("limit") is None and value.get("operationMode") is None:
            self._refuse(f"{where}.limit", "Required.")
        phases = {
            name: self._checked(value.get(name), f"{where}.{name}", least=1, most=3)
            for name in ("numberPhases", "phaseToUse")
        }
        start = self._checked(value.get("startPeriod"), f"{where}.startPeriod")
        if value.get("startPeriod") is None:
            self._refuse(f"{where}.startPeriod", "Required.")
        more = self._more(value, reading_21.PERIOD, f"{where}.")
        return Period(start or 0, limit, phases["numberPhases"], phases["phaseToUse"], more)

    def _of_profile(self, kind: str) -> dict[str, Any] | None:
        """The fields of 2.1. The time of a dynamic schedule is that of its sending (K28)."""
        more = self._more(self._given, reading_21.PROFILE)
        return {**(more or {}), "dynUpdateTime": translate.time(self._at)} if kind == DYNAMIC else more

    def _more(
        self, values: Mapping[str, Any], readers: Mapping[str, reading_21.Reader], where: str = ""
    ) -> dict[str, Any] | None:
        """The given fields of 2.1."""
        found = {}
        for name, read in readers.items():
            if values.get(name) is not None:
                found[name], problem = read(values[name])
                if problem:
                    self._refuse(f"{where}{name}", problem)
        return found or None

    # -- values --------------------------------------------------------------------------------------------

    def _whole(self, name: str, *, least: int = 0) -> int | None:
        return self._checked(self._given.get(name), name, least=least)

    def _checked(self, value: Any, where: str, *, least: int = 0, most: int = _LARGEST) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._refuse(where, f"Must be a whole number from {least} to {most}.")
            return None
        return value

    def _limit(self, values: Mapping[str, Any], name: str, where: str) -> float | None:
        value = values.get(name)
        if value is None:
            return None
        if not reading_21.is_number(value) or value < 0:
            self._refuse(where, "Must be a number, 0 or more.")
            return None
        return float(value)

    def _time(self, name: str) -> datetime | None:
        found: datetime | None = self._read(name, moment, "Must be a time such as 2026-11-28T10:00:00Z.")
        return found

    def _text(self, name: str) -> str:
        return self._read(name, _text, "Must be a text.") or ""

    def _word(self, name: str, words: tuple[str, ...], default: str) -> str:
        if name not in self._given:
            return default
        if self._given[name] not in words:
            self._refuse(name, f"Must be one of: {', '.join(words)}.")
            return default
        return str(self._given[name])

    def _read(self, name: str, how: Callable[[Any], Any], otherwise: str) -> Any:
        if name not in self._given:
            return None
        found = how(self._given[name])
        if found is None:
            self._refuse(name, otherwise)
        return found

    def _refuse(self, name: str, reason: str) -> None:
        self._errors.append({"field": f"{self._below}{name}", "reason": reason})


def moment(value: Any) -> datetime | None:
    """A time as UTC; without a zone it is UTC already."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
