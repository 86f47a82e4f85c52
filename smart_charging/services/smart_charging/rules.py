"""Rules for a charging profile before it is sent (1.6 3.13, 5.16; 2.x K01). They read no database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.utils.translation import gettext

from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.translate.charging_profiles import (
    EXTERNAL,
    LOCAL_GENERATION,
    PRIORITY,
    RECURRING,
    RELATIVE,
    STATION_MAX,
    TX,
    TX_DEFAULT,
)
from smart_charging.services.smart_charging import rules_21
from smart_charging.services.smart_charging.abilities import Abilities
from smart_charging.services.smart_charging.reading import PERIODS

Problem = tuple[str, str]  # a field and the reason

_RECURS_S: Final = {"Daily": 86_400, "Weekly": 604_800}
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
# The ids that the server gives: purpose, EVSE and level have their own digits, so that the profile of a place
# replaces the one before, and two requests at once can't take the same id for different places.
_NUMBERED: Final = (STATION_MAX, TX_DEFAULT, TX, PRIORITY, LOCAL_GENERATION)
_PURPOSE_STEP, _EVSE_STEP = 1_000_000, 1_000
_RANDOM_FROM, _RANDOM_MANY = 100_000_000, 1_000_000_000
_LARGEST: Final = 2**31 - 1


class Standing(NamedTuple):
    """A profile that the station has. `evse` is 0 for the whole station."""

    id: int
    evse: int
    purpose: str
    stack_level: int
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def problems(
    profile: ChargingProfile, *, evse: int | None, abilities: Abilities, now: datetime
) -> list[Problem]:
    """The reasons why this profile can't be sent to this EVSE; 0 is the whole station. Without an EVSE it is
    for a remote start, and the station chooses.
    """
    return [
        *_purpose(profile, evse, abilities),
        *_kind(profile),
        *_validity(profile, now),
        *_schedule(profile, abilities),
        *rules_21.problems(profile, abilities),
    ]


def _purpose(profile: ChargingProfile, evse: int | None, abilities: Abilities) -> Iterator[Problem]:
    purpose = profile.purpose
    if purpose == EXTERNAL:
        yield "chargingProfilePurpose", gettext("Only the station itself sets external constraints.")
    elif purpose not in abilities.purposes:
        words = ", ".join(abilities.purposes)
        yield "chargingProfilePurpose", gettext("Must be one of: %(words)s.") % {"words": words}
    if purpose == STATION_MAX and evse:
        yield "connectorId", gettext("A limit of the whole station has no EVSE: leave it out.")
    if purpose == TX and evse == 0:
        yield "connectorId", gettext("A TxProfile needs the EVSE of its session.")
    if purpose != TX and profile.transaction_id:
        yield "transactionId", gettext("Only a TxProfile belongs to a session.")
    most = abilities.max_stack_level
    if most is not None and profile.stack_level > most:
        yield "stackLevel", gettext("The station reports %(most)s as its highest level.") % {"most": most}


def _kind(profile: ChargingProfile) -> Iterator[Problem]:
    kind, start = profile.kind, profile.schedule.start
    if kind == RELATIVE and profile.purpose == STATION_MAX:  # K01.FR.38
        yield "chargingProfileKind", gettext("A limit of the whole station can't be relative to a session.")
    if kind == RELATIVE and start is not None:
        yield "startSchedule", gettext("A relative schedule begins with its session: leave it out.")
    if kind == RECURRING and start is None:
        yield "startSchedule", gettext("Required for a recurring schedule.")
    if kind == RECURRING and not profile.recurrency:
        yield "recurrencyKind", gettext("Required for a recurring schedule: Daily or Weekly.")
    if kind != RECURRING and profile.recurrency:
        yield "recurrencyKind", gettext("Only a recurring schedule has one.")


def _validity(profile: ChargingProfile, now: datetime) -> Iterator[Problem]:
    since, until = profile.valid_from, profile.valid_to
    if until is not None and until <= now:
        yield "validTo", gettext("Must be in the future.")
    if since is not None and until is not None and until <= since:
        yield "validTo", gettext("Must be after validFrom.")


def _schedule(profile: ChargingProfile, abilities: Abilities) -> Iterator[Problem]:
    schedule = profile.schedule
    if abilities.units and schedule.unit not in abilities.units:
        units = ", ".join(sorted(abilities.units))
        yield "chargingRateUnit", gettext("The station reports that it takes %(units)s.") % {"units": units}
    if profile.purpose == PRIORITY and schedule.duration_s is not None:
        yield "duration", gettext("A profile for priority charging has none.")
    periods, most = schedule.periods, abilities.max_periods
    if most is not None and len(periods) > most:
        yield PERIODS, gettext("The station reports %(most)s periods as its most.") % {"most": most}
    if periods[0].start_s != 0:
        yield f"{PERIODS}[0].startPeriod", gettext("The first period must start at 0.")
    for place, (before, after) in enumerate(zip(periods, periods[1:], strict=False), start=1):
        if after.start_s <= before.start_s:
            yield f"{PERIODS}[{place}].startPeriod", gettext("Must be later than the period before.")
    for place, period in enumerate(periods):
        if period.phase_to_use is None:
            continue
        where = f"{PERIODS}[{place}].phaseToUse"
        if not abilities.has_phase_to_use:
            yield where, gettext("OCPP 1.6 has no phaseToUse.")
        elif period.phases != 1:  # K01.FR.19
            yield where, gettext("Needs numberPhases 1.")
        elif not abilities.switches_phases:  # K01.FR.20
            yield where, gettext("The station does not report that it can switch phases.")


def warnings(profile: ChargingProfile, *, replaces: bool, now: datetime) -> Iterator[str]:
    """Sentences about a valid profile that will probably not do what its sender expects. `replaces`: the
    station has a profile that this one replaces.
    """
    schedule = profile.schedule
    duration, recurs = schedule.duration_s, _RECURS_S.get(profile.recurrency)
    if duration is not None and recurs is not None and duration > recurs:
        yield gettext("The schedule is longer than its recurrence: the excess never runs.")
    if duration is not None and schedule.periods[-1].start_s >= duration:
        yield gettext("A period starts after the duration of the schedule: it never runs.")
    if replaces and profile.valid_from is not None and profile.valid_from > now:
        yield gettext(
            "It replaces the installed profile at once, but is valid only later: nothing in between."
        )


# -- beside the profiles that the station has ----------------------------------------------------------------


def number(profile: ChargingProfile, *, evse: int | None, standing: Sequence[Standing], above: int) -> int:
    """The id of the profile: its own, or that of the one it replaces, or a new one. `above` is the highest id
    that external constraints may have (2.1).
    """
    if profile.id:
        return profile.id
    place = (profile.purpose, evse, profile.stack_level)
    for one in standing:
        if (one.purpose, one.evse, one.stack_level) == place:
            return one.id
    if _LARGEST - above < _RANDOM_FROM + _RANDOM_MANY:
        return _random(above, standing)
    is_numbered = profile.purpose in _NUMBERED and profile.stack_level < _EVSE_STEP
    if evse is None or evse >= _EVSE_STEP or not is_numbered:
        # The EVSE of a remote start may be unknown: each such start needs an id of its own.
        return above + _RANDOM_FROM + secrets.randbelow(_RANDOM_MANY)
    digit = _NUMBERED.index(profile.purpose) + 1
    return above + digit * _PURPOSE_STEP + evse * _EVSE_STEP + profile.stack_level


def _random(above: int, standing: Sequence[Standing]) -> int:
    """A new id where the station leaves few of them: those of the places do not fit."""
    taken = {one.id for one in standing}
    room = max(_LARGEST - above, 1)
    found = above + 1 + secrets.randbelow(room)
    while found in taken and len(taken) < room:
        found = above + 1 + secrets.randbelow(room)
    return found


def is_replaced(old: Standing, profile: ChargingProfile, *, evse: int | None) -> bool:
    """Whether a station that accepts the profile removes the old one (1.6 3.13.2; 2.x K01.FR.05)."""
    is_same_place = (old.purpose, old.evse, old.stack_level) == (profile.purpose, evse, profile.stack_level)
    return old.id == profile.id or is_same_place


def competitor(
    profile: ChargingProfile, *, evse: int | None, standing: Sequence[Standing]
) -> Standing | None:
    """An installed profile with another id that would count at the same time on the same level.

    A 2.x station refuses the later one (K01.FR.06, FR.39, FR.52, FR.53: DuplicateProfile).
    """
    for old in standing:
        is_alike = old.purpose == profile.purpose and old.stack_level == profile.stack_level
        meets = old.evse == evse or (profile.purpose == TX_DEFAULT and 0 in (old.evse, evse))
        if old.id != profile.id and is_alike and meets and _overlap(old, profile):
            return old
    return None


def _overlap(one: Standing, other: ChargingProfile) -> bool:
    starts = max(one.valid_from or _EARLIEST, other.valid_from or _EARLIEST)
    return starts < min(one.valid_to or _LATEST, other.valid_to or _LATEST)
