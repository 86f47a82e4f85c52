"""Charging profiles: csChargingProfiles of 1.6 (7.8), ChargingProfileType of 2.x, and composite schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from .times import time

# The purposes by their 2.x names; 1.6 has another name for one of them.
STATION_MAX: Final = "ChargingStationMaxProfile"
TX_DEFAULT: Final = "TxDefaultProfile"
TX: Final = "TxProfile"
EXTERNAL: Final = "ChargingStationExternalConstraints"
PRIORITY: Final = "PriorityCharging"
LOCAL_GENERATION: Final = "LocalGeneration"
STATION_MAX_16: Final = "ChargePointMaxProfile"
ABSOLUTE, RECURRING, RELATIVE, DYNAMIC = "Absolute", "Recurring", "Relative", "Dynamic"
# The operation mode in which the server sets the power of the vehicle (2.1 Q03).
CENTRAL_SETPOINT: Final = "CentralSetpoint"

# The fields that only 2.1 has, by their names on the wire. `UPDATED` can change in a dynamic schedule (K28).
_PHASED: Final = ("limit", "dischargeLimit", "setpoint", "setpointReactive")
UPDATED: Final = tuple(f"{name}{phase}" for name in _PHASED for phase in ("", "_L2", "_L3"))
PERIOD_21: Final = (
    *UPDATED[1:], "operationMode", "v2xBaseline", "v2xFreqWattCurve", "v2xSignalWattCurve", "evseSleep",
    "preconditioningRequest",
)  # fmt: skip
SCHEDULE_21: Final = ("useLocalTime", "randomizedDelay", "limitAtSoC")
PROFILE_21: Final = (
    "maxOfflineDuration",
    "invalidAfterOfflineDuration",
    "dynUpdateInterval",
    "dynUpdateTime",
)

_TENTHS: Final = 10
# The error of a float must not cost a tenth: 8.1 + 0.2 is 8.299999999999999.
_DECIMALS: Final = 6


class Period(NamedTuple):
    """A period of a schedule: `limit` in A or W from `start_s` seconds on. None: not given. `more` are the
    fields of PERIOD_21.
    """

    start_s: int
    limit: float | None
    phases: int | None = None
    phase_to_use: int | None = None
    more: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A charging schedule. `unit` is A or W, `min_rate` in the same; without a duration it has no end. `more`
    are the fields of SCHEDULE_21.
    """

    unit: str
    periods: tuple[Period, ...]
    start: datetime | None = None
    duration_s: int | None = None
    min_rate: float | None = None
    more: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingProfile:
    """A charging profile in no dialect. Of several schedules, which only ISO 15118 needs, the first.

    `purpose` has its 2.x name. `transaction_id` is the station's id as text, empty without one. `more` are
    the fields of PROFILE_21.
    """

    id: int
    stack_level: int
    purpose: str
    kind: str
    schedule: Schedule
    recurrency: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str = ""
    more: Mapping[str, Any] | None = None


def purpose(word: str) -> str:
    """The purpose by its 2.x name."""
    return STATION_MAX if word == STATION_MAX_16 else word


def purpose_16(word: str) -> str:
    """The purpose by its 1.6 name."""
    return STATION_MAX_16 if word == STATION_MAX else word


# -- read ----------------------------------------------------------------------------------------------------


def charging_profile(value: Mapping[str, Any]) -> ChargingProfile:
    """A profile that its schema has accepted. The dialects differ in the name of its id, the list of
    schedules, and the type of a transactionId.
    """
    schedules = value["chargingSchedule"]
    schedule = schedules if isinstance(schedules, Mapping) else schedules[0]
    return ChargingProfile(
        id=value["id"] if "id" in value else value["chargingProfileId"],
        stack_level=value["stackLevel"],
        purpose=purpose(value["chargingProfilePurpose"]),
        kind=value["chargingProfileKind"],
        schedule=_schedule(schedule, schedule.get("startSchedule")),
        recurrency=value.get("recurrencyKind", ""),
        valid_from=_moment(value.get("validFrom")),
        valid_to=_moment(value.get("validTo")),
        transaction_id=str(value.get("transactionId", "")),
        more=_more(value, PROFILE_21),
    )


def has_schedule(value: Mapping[str, Any]) -> bool:
    """Whether a reported profile has a schedule with periods. The schema demands both, but null and an empty
    list are tolerated.
    """
    schedules = value.get("chargingSchedule")
    found = [schedules] if isinstance(schedules, Mapping) else schedules or ()
    return bool(found) and all(schedule.get("chargingSchedulePeriod") for schedule in found)


def composite_16(response: Mapping[str, Any]) -> Schedule | None:
    """The schedule of a 1.6 GetCompositeSchedule.conf (6.22); None where the station sent none.

    scheduleStart counts: by errata 3.57 startSchedule is absent.
    """
    schedule = response.get("chargingSchedule")
    if schedule is None:
        return None
    return _schedule(schedule, response.get("scheduleStart") or schedule.get("startSchedule"))


def composite_2x(response: Mapping[str, Any]) -> Schedule | None:
    """The schedule of a 2.x GetCompositeScheduleResponse (K08); None where the station sent none."""
    schedule = response.get("schedule")
    return None if schedule is None else _schedule(schedule, schedule.get("scheduleStart"))


def _schedule(value: Mapping[str, Any], start: Any) -> Schedule:
    return Schedule(
        unit=value["chargingRateUnit"],
        periods=_joined(value["chargingSchedulePeriod"]),
        start=_moment(start),
        duration_s=value.get("duration"),
        min_rate=value.get("minChargingRate"),
        more=_more(value, SCHEDULE_21),
    )


def _joined(periods: Sequence[Mapping[str, Any]]) -> tuple[Period, ...]:
    """The periods in the order of their starts, equal neighbours as one."""
    found: list[Period] = []
    for value in sorted(periods, key=lambda one: one["startPeriod"]):
        period = Period(
            value["startPeriod"],
            value.get("limit"),
            value.get("numberPhases"),
            value.get("phaseToUse"),
            _more(value, PERIOD_21),
        )
        if not found or found[-1][1:] != period[1:]:
            found.append(period)
    return tuple(found)


def _more(value: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any] | None:
    return {name: value[name] for name in names if value.get(name) is not None} or None


def _moment(text: Any) -> datetime | None:
    """A time without limits: a profile may begin in any year. None for one that can't be read."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text.strip().upper())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# -- write ---------------------------------------------------------------------------------------------------


def charging_profile_16(profile: ChargingProfile) -> dict[str, Any]:
    """A csChargingProfiles of 1.6. Limits are rounded down to one decimal (errata 3.33)."""
    schedule = _written(profile.schedule, (_period_16(one) for one in profile.schedule.periods))
    if "minChargingRate" in schedule:
        schedule["minChargingRate"] = tenths(schedule["minChargingRate"])
    found: dict[str, Any] = {
        "chargingProfileId": profile.id,
        **_shared(profile),
        "chargingProfilePurpose": purpose_16(profile.purpose),
        "chargingSchedule": schedule,
    }
    return found | ({"transactionId": int(profile.transaction_id)} if profile.transaction_id else {})


def charging_profile_2x(profile: ChargingProfile) -> dict[str, Any]:
    """A ChargingProfileType of 2.x, with one schedule. `more` is in it: only 2.1 has such fields."""
    schedule = _written(profile.schedule, (_period_2x(one) for one in profile.schedule.periods))
    schedule |= profile.schedule.more or {}
    found: dict[str, Any] = {
        "id": profile.id,
        **_shared(profile),
        **(profile.more or {}),
        "chargingProfilePurpose": profile.purpose,
        "chargingSchedule": [{"id": profile.id, **schedule}],
    }
    return found | ({"transactionId": profile.transaction_id} if profile.transaction_id else {})


def tenths(limit: float) -> float:
    """A limit rounded down to one decimal: rounding up would allow more than was asked for."""
    return math.floor(round(limit * _TENTHS, _DECIMALS)) / _TENTHS


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """A schedule as the API shows it, in the field names that both dialects share."""
    return _written(schedule, (_period_2x(one) for one in schedule.periods))


def _shared(profile: ChargingProfile) -> dict[str, Any]:
    optional = {
        "recurrencyKind": profile.recurrency or None,
        "validFrom": _text(profile.valid_from),
        "validTo": _text(profile.valid_to),
    }
    return {
        "stackLevel": profile.stack_level,
        "chargingProfileKind": profile.kind,
        **_given(optional),
    }


def _written(schedule: Schedule, periods: Iterable[dict[str, Any]]) -> dict[str, Any]:
    optional = {
        "startSchedule": _text(schedule.start),
        "duration": schedule.duration_s,
        "minChargingRate": schedule.min_rate,
    }
    return {
        "chargingRateUnit": schedule.unit,
        **_given(optional),
        "chargingSchedulePeriod": list(periods),
    }


def _period_16(period: Period) -> dict[str, Any]:
    limit = None if period.limit is None else tenths(period.limit)
    return {"startPeriod": period.start_s, **_given({"limit": limit, "numberPhases": period.phases})}


def _period_2x(period: Period) -> dict[str, Any]:
    optional = {
        "limit": period.limit,
        "numberPhases": period.phases,
        "phaseToUse": period.phase_to_use,
    }
    return {"startPeriod": period.start_s, **_given(optional), **(period.more or {})}


def _given(optional: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in optional.items() if value is not None}


def _text(at: datetime | None) -> str | None:
    return None if at is None else time(at.astimezone(UTC))
