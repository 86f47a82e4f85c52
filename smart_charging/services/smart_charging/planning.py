"""The rule by which the server answers the needs of a vehicle (2.x K15 to K18). It reads no database.

The vehicle gets the limits that hold for its session anyway, and never more than it can take: those of the
TxProfile that an operator has set, else those of the TxDefaultProfile of its EVSE, else none but its own. So
the energy comes as early as these limits allow, before any departure. One that can discharge and whose power
the station sets all the time gets them as setpoints: it charges with them. Load management replaces `plan`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext

from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile, Period
from ocpp_server.protocol.translate.charging_profiles import ABSOLUTE, CENTRAL_SETPOINT, DYNAMIC, TX
from smart_charging.services.smart_charging.reading import moment
from smart_charging.services.smart_charging.reading_21 import is_number

# Energy transfers that can discharge the vehicle or support the grid.
BIDIRECTIONAL: Final = frozenset({"AC_BPT", "AC_BPT_DER", "AC_DER", "DC_BPT", "DC_ACDP_BPT"})
_DYNAMIC_CONTROL: Final = "DynamicControl"
_PHASES: Final = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}
# A vehicle may round: the difference in A or W that still counts as the limit.
_TOLERANCE: Final = 0.1
_PHASE_FIELDS: Final = frozenset({"numberPhases", "phaseToUse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The needs of a vehicle: `most` is the largest limit in `unit` that it can use; None if not named.
    `is_controlled`: it can discharge, and the station sets its power all the time (2.1 K19, Q03).
    """

    transfer: str
    unit: str = "W"
    most: float | None = None
    phases: int | None = None
    energy_wh: int | None = None
    departure: datetime | None = None
    max_periods: int | None = None
    is_controlled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The profile for a session, as arguments of set-charging-profile; or the reason why there is none."""

    arguments: Mapping[str, Any] | None = None
    reason: str = ""


def needs(request: Mapping[str, Any]) -> Needs:
    """The needs in a NotifyEVChargingNeeds."""
    value = request["chargingNeeds"]
    transfer = str(value["requestedEnergyTransfer"])
    unit, most, energy = "W", None, None
    if isinstance(of_ac := value.get("acChargingParameters"), Mapping):
        unit, most, energy = "A", of_ac.get("evMaxCurrent"), of_ac.get("energyAmount")
    elif isinstance(of_dc := value.get("dcChargingParameters"), Mapping):
        most, energy = of_dc.get("evMaxPower"), of_dc.get("energyAmount")
        current, voltage = of_dc.get("evMaxCurrent"), of_dc.get("evMaxVoltage")
        if most is None and is_number(current) and is_number(voltage):
            most = current * voltage
    elif isinstance(of_v2x := value.get("v2xChargingParameters"), Mapping):
        most, energy = of_v2x.get("maxChargePower"), of_v2x.get("evTargetEnergyRequest")
    tuples = request.get("maxScheduleTuples")
    return Needs(
        transfer=transfer,
        unit=unit,
        most=float(most) if is_number(most) and most > 0 else None,
        phases=_PHASES.get(transfer) if unit == "A" else None,
        energy_wh=round(energy) if is_number(energy) else None,
        departure=moment(value.get("departureTime")),
        max_periods=tuples if isinstance(tuples, int) and tuples > 0 else None,
        is_controlled=value.get("controlMode") == _DYNAMIC_CONTROL and transfer in BIDIRECTIONAL,
    )


def plan(wanted: Needs, *, in_force: Sequence[Mapping[str, Any] | None], at: datetime) -> Planned:
    """The profile for a session. `in_force` are the profiles that limit it now, None one that is too long."""
    if wanted.most is None:
        return Planned(reason=gettext("The vehicle names no maximum."))
    if len(in_force) > 1:
        return Planned(reason=gettext("Several profiles limit this session."))
    if not in_force:
        period = _period(0, wanted.most, wanted, {"numberPhases": wanted.phases})
        start = translate.time(at.replace(microsecond=0))
        return Planned(arguments={"unit": wanted.unit, "periods": [period], "kind": ABSOLUTE, "start": start})
    if in_force[0] is None:
        return Planned(reason=gettext("The profile that limits this session is too long."))
    base = translate.charging_profile(in_force[0])
    if reason := _unfit(base, wanted):
        return Planned(reason=reason)
    return Planned(arguments=_within(base, wanted))


def again(payload: Mapping[str, Any]) -> Planned:
    """The same profile once more."""
    return Planned(arguments=_within(translate.charging_profile(payload), Needs(transfer="")))


def _unfit(base: ChargingProfile, wanted: Needs) -> str:
    """Why the profile can't become one of the session; empty if it can."""
    if base.kind == DYNAMIC or any(_fixed(period) is None for period in base.schedule.periods):
        return gettext("The profile that limits this session changes while it runs.")
    if wanted.max_periods is not None and len(base.schedule.periods) > wanted.max_periods:
        return gettext("The vehicle takes %(most)s periods, and the limits of this session have more.") % {
            "most": wanted.max_periods
        }
    return ""


def _within(base: ChargingProfile, wanted: Needs) -> dict[str, Any]:
    schedule = base.schedule
    # A limit in the other unit is left as it is: the vehicle takes no more than it can anyway.
    most = wanted.most if schedule.unit == wanted.unit else None
    periods = []
    for period in schedule.periods:
        more = dict(period.more or {})
        limit = period.limit if most is None or period.limit is None else min(period.limit, most)
        if most is not None and period.limit is None and "setpoint" in more:
            more["setpoint"] = min(more["setpoint"], most)
        given = {"numberPhases": period.phases, "phaseToUse": period.phase_to_use, **more}
        periods.append(_period(period.start_s, limit, wanted, given))
    optional = {
        "start": schedule.start and translate.time(schedule.start),
        "recurrency": base.recurrency or None,
        "duration_s": schedule.duration_s,
        "least": schedule.min_rate,
        "valid_from": base.valid_from and translate.time(base.valid_from),
        "valid_to": base.valid_to and translate.time(base.valid_to),
    }
    found = {name: value for name, value in optional.items() if value is not None}
    # A profile of the session is replaced in its place; a default one has another purpose.
    level = base.stack_level if base.purpose == TX else 0
    return {"unit": schedule.unit, "periods": periods, "kind": base.kind, "stack_level": level, **found}


def _period(start_s: int, limit: float | None, wanted: Needs, more: Mapping[str, Any]) -> dict[str, Any]:
    """A period with this limit. A vehicle whose power the station sets gets it as its setpoint, unless the
    period has fields of a mode of its own.
    """
    given = {name: value for name, value in more.items() if value is not None}
    if limit is None:
        return {"startPeriod": start_s, **given}
    if wanted.is_controlled and given.keys() <= _PHASE_FIELDS:
        return {"startPeriod": start_s, "operationMode": CENTRAL_SETPOINT, "setpoint": limit, **given}
    return {"startPeriod": start_s, "limit": limit, **given}


def _fixed(period: Period) -> float | None:
    """The limit of a period, or the setpoint of the server; None where others set them."""
    more = period.more or {}
    if period.limit is None and more.get("operationMode") == CENTRAL_SETPOINT:
        setpoint: float | None = more.get("setpoint")
        return setpoint
    return period.limit


def is_within(profile: Mapping[str, Any], schedule: Mapping[str, Any], *, base: datetime) -> bool | None:
    """Whether the schedule of a vehicle, from `base` on, stays within the profile of its session.

    None where that can't be compared: another unit, a profile that does not begin at a time.
    """
    ours, theirs = translate.charging_profile(profile), schedule
    start = ours.schedule.start
    if ours.kind != ABSOLUTE or start is None or ours.schedule.unit != theirs["chargingRateUnit"]:
        return None
    # Vehicles count in whole seconds.
    shift = (base.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds()
    limits = [(period.start_s - shift, _fixed(period)) for period in ours.schedule.periods]
    end = ours.schedule.duration_s
    if end is not None:
        limits.append((end - shift, None))
    periods = sorted(theirs["chargingSchedulePeriod"], key=lambda period: period["startPeriod"])
    wished = [(one["startPeriod"], one.get("limit", one.get("setpoint"))) for one in periods]
    last = theirs.get("duration")
    points: set[float] = {0, *(at for at, _ in wished), *(at for at, _ in limits if at > 0)}
    for point in points:
        if last is not None and point >= last:
            continue
        most, wish = _at(limits, point), _at(wished, point)
        if most is not None and wish is not None and wish > most + _TOLERANCE:
            return False
    return True


def _at(steps: Sequence[tuple[float, float | None]], point: float) -> float | None:
    """The value of the last step that has begun; None before the first one."""
    begun = [value for at, value in steps if at <= point]
    return begun[-1] if begun else None
