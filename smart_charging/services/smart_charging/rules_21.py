"""Rules for the parts of a charging profile that only OCPP 2.1 has (K01, K28, Q). They read no database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext

from ocpp_server.protocol.translate import ChargingProfile, Period
from ocpp_server.protocol.translate.charging_profiles import (
    CENTRAL_SETPOINT,
    DYNAMIC,
    LOCAL_GENERATION,
    PRIORITY,
    STATION_MAX,
    TX,
    TX_DEFAULT,
    UPDATED,
)
from smart_charging.services.smart_charging.abilities import Abilities
from smart_charging.services.smart_charging.reading import PERIODS

Problem = tuple[str, str]  # a field and the reason

CHARGING_ONLY: Final = "ChargingOnly"
_IDLE: Final = "Idle"
# An external system sets the limits and setpoints of these (K29).
_EXTERNAL: Final = ("ExternalSetpoint", "ExternalLimits")
# The operation modes of a purpose; any of a TxProfile or TxDefaultProfile (K01.FR.111 to FR.113).
_MODES_OF: Final = {
    PRIORITY: (CHARGING_ONLY,),
    STATION_MAX: (CHARGING_ONLY,),
    LOCAL_GENERATION: (CHARGING_ONLY, "ExternalLimits"),
}


class _Mode(NamedTuple):
    """The fields that an operation mode requires, and those that it may have besides, without their phase."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    units: tuple[str, ...] = ("A", "W")
    kinds: tuple[str, ...] = ()


_CURVES: Final = ("v2xBaseline", "v2xFreqWattCurve", "v2xSignalWattCurve")
# Section 2, "mode table": the limits and setpoints of a mode that the server sets (Q03 to Q12).
_TABLE: Final[dict[str, _Mode]] = {
    CHARGING_ONLY: _Mode(("limit",)),
    CENTRAL_SETPOINT: _Mode(("setpoint",), ("setpointReactive",)),
    "CentralFrequency": _Mode(("setpoint",), kinds=(DYNAMIC,)),
    "ExternalSetpoint": _Mode((), ("setpoint", "setpointReactive")),
    "ExternalLimits": _Mode((), ("limit", "dischargeLimit")),
    "LocalFrequency": _Mode(("v2xBaseline", "v2xFreqWattCurve"), ("v2xSignalWattCurve",), ("W",)),
    "LocalLoadBalancing": _Mode(),
    _IDLE: _Mode(),
}
_FEWEST_POINTS: Final = 2
# A longer update interval counts as this one, in seconds: a date can't be any number of years away.
LONGEST_INTERVAL_S: Final = 10**7
_PHASES: Final = ("_L2", "_L3")


def problems(profile: ChargingProfile, abilities: Abilities) -> Iterator[Problem]:
    """The reasons why the parts of 2.1 can't be sent."""
    yield from _unknown(profile, abilities)
    yield from _dynamic(profile)
    yield from _of_profile(profile)
    for place, period in enumerate(profile.schedule.periods):
        yield from _period(profile, period, f"{PERIODS}[{place}]")


def _unknown(profile: ChargingProfile, abilities: Abilities) -> Iterator[Problem]:
    if profile.kind not in abilities.kinds:
        words = ", ".join(abilities.kinds)
        yield "chargingProfileKind", gettext("Must be one of: %(words)s.") % {"words": words}
    elif profile.kind in abilities.lacks:
        yield "chargingProfileKind", gettext("The station reports that it has no dynamic profiles.")
    given = [(name, name) for name in (*(profile.more or {}), *(profile.schedule.more or {}))]
    for place, period in enumerate(profile.schedule.periods):
        given += [(f"{PERIODS}[{place}].{name}", name) for name in period.more or {}]
    for field, name in given:
        if field == "dynUpdateTime":
            continue  # the server has set it, for the kind that is refused above
        if name not in abilities.fields:
            yield field, gettext("The station's version of OCPP does not have it.")
        elif name in abilities.lacks:
            yield field, gettext("The station reports that it does not support it.")


def _dynamic(profile: ChargingProfile) -> Iterator[Problem]:
    more, schedule = profile.more or {}, profile.schedule
    if profile.kind == DYNAMIC:  # K28
        if len(schedule.periods) > 1:
            yield PERIODS, gettext("A dynamic schedule has one period.")
        if schedule.start is not None:
            yield "startSchedule", gettext("A dynamic schedule begins at once: leave it out.")
    elif "dynUpdateInterval" in more:
        yield "dynUpdateInterval", gettext("Only a dynamic profile has one.")


def _of_profile(profile: ChargingProfile) -> Iterator[Problem]:
    more, schedule = profile.more or {}, profile.schedule.more or {}
    if "invalidAfterOfflineDuration" in more and "maxOfflineDuration" not in more:
        yield "maxOfflineDuration", gettext("Required with invalidAfterOfflineDuration.")
    if schedule.get("randomizedDelay") and profile.purpose not in (TX, TX_DEFAULT):
        yield "randomizedDelay", gettext("Only a profile of sessions has one.")


def _period(profile: ChargingProfile, period: Period, where: str) -> Iterator[Problem]:
    values = {**(period.more or {}), **({} if period.limit is None else {"limit": period.limit})}
    for name in values:
        if name.endswith(_PHASES) and name.startswith("limit") and profile.purpose != TX:  # K01.FR.143
            yield f"{where}.{name}", gettext("Only a TxProfile has limits of single phases.")
    mode = values.get("operationMode", CHARGING_ONLY)
    if mode not in _MODES_OF.get(profile.purpose, tuple(_TABLE)):
        words = {"purpose": profile.purpose, "modes": ", ".join(_MODES_OF[profile.purpose])}
        yield f"{where}.operationMode", gettext("%(purpose)s takes only %(modes)s.") % words
        return
    yield from ((f"{where}.{name}", reason) for name, reason in _mode(mode, values))
    row = _TABLE[mode]
    if profile.schedule.unit not in row.units:
        yield "chargingRateUnit", gettext("%(mode)s needs the unit W.") % {"mode": mode}
    if row.kinds and profile.kind not in row.kinds:
        yield "chargingProfileKind", gettext("%(mode)s needs a dynamic profile.") % {"mode": mode}
    yield from ((f"{where}.{name}", reason) for name, reason in order(values))


def _mode(mode: str, values: Mapping[str, Any]) -> Iterator[Problem]:
    row = _TABLE[mode]
    for name in row.needs:
        if name not in values:
            yield name, gettext("Required in the mode %(mode)s.") % {"mode": mode}
    allowed = {*row.needs, *row.takes}
    for name in values:
        is_about_mode = name in UPDATED or name in _CURVES
        if is_about_mode and name.removesuffix("_L2").removesuffix("_L3") not in allowed:
            yield name, gettext("The mode %(mode)s has none: leave it out.") % {"mode": mode}
    for name in _CURVES[1:]:
        if name in values and len(values[name]) < _FEWEST_POINTS:
            yield name, gettext("Needs two points or more.")
    if values.get("evseSleep") is not None and mode != _IDLE:  # K01.FR.126
        yield "evseSleep", gettext("Only in the mode Idle.")


def order(values: Mapping[str, Any]) -> Iterator[Problem]:
    """The reasons why limits and setpoints contradict each other: dischargeLimit <= setpoint <= limit."""
    for phase in ("", *_PHASES):
        low, high = values.get(f"dischargeLimit{phase}"), values.get(f"limit{phase}")
        setpoint = values.get(f"setpoint{phase}")
        if setpoint is not None and high is not None and setpoint > high:
            yield f"setpoint{phase}", gettext("Must not be above the limit.")
        if setpoint is not None and low is not None and setpoint < low:
            yield f"setpoint{phase}", gettext("Must not be below the dischargeLimit.")


def first_values(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The limits and setpoints of a dynamic profile as it was sent."""
    period = _first_period(payload)
    return {name: period[name] for name in UPDATED if period.get(name) is not None}


def update_interval_s(payload: Mapping[str, Any]) -> int | None:
    """The seconds between two updates of a dynamic profile whose limits the server sets; None for others."""
    if payload.get("chargingProfileKind") != DYNAMIC:
        return None
    interval = payload.get("dynUpdateInterval") or 0
    if interval <= 0 or _first_period(payload).get("operationMode") in _EXTERNAL:
        return None
    return min(int(interval), LONGEST_INTERVAL_S)


def _first_period(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    schedules: Iterable[Mapping[str, Any]] = payload.get("chargingSchedule") or ()
    periods: Iterator[Mapping[str, Any]] = (
        period for schedule in schedules for period in schedule.get("chargingSchedulePeriod") or ()
    )
    return next(periods, {})
