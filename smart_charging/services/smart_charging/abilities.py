"""Abilities of a station for charging profiles, from its own reports (1.6 9.4, 2.x SmartChargingCtrlr)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from ocpp_server import capabilities
from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate.charging_profiles import (
    ABSOLUTE,
    CENTRAL_SETPOINT,
    DYNAMIC,
    EXTERNAL,
    LOCAL_GENERATION,
    PRIORITY,
    RECURRING,
    RELATIVE,
    purpose,
)
from ocpp_server.protocol.versions import VERSIONS, in_dialect

# The names of each fact in 1.6 and in 2.x. Empty: this dialect does not report it.
_LEVEL: Final = ("ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel")
_UNITS: Final = ("ChargingScheduleAllowedChargingRateUnit", "SmartChargingCtrlr.RateUnit")
_PERIODS: Final = ("ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule")
_PROFILES: Final = ("MaxChargingProfilesInstalled", "")
_PHASES: Final = ("", "SmartChargingCtrlr.ACPhaseSwitchingSupported")
_EXTERNAL_IDS: Final = ("", "SmartChargingCtrlr.MaxExternalConstraintsId")
_ADDITIONAL: Final = ("", "SmartChargingCtrlr.SupportedAdditionalPurposes")
_ALL: Final = (_LEVEL, _UNITS, _PERIODS, _PROFILES, _PHASES, _EXTERNAL_IDS, _ADDITIONAL)
# The fields of 2.1, and the kind Dynamic, that a station may report as not supported.
_SUPPORTS: Final = {
    DYNAMIC: "SmartChargingCtrlr.SupportsDynamicProfiles",
    "useLocalTime": "SmartChargingCtrlr.SupportsUseLocalTime",
    "randomizedDelay": "SmartChargingCtrlr.SupportsRandomizedDelay",
    "limitAtSoC": "SmartChargingCtrlr.SupportsLimitAtSoC",
    "evseSleep": "SmartChargingCtrlr.SupportsEvseSleep",
    "maxOfflineDuration": "SmartChargingCtrlr.SupportsMaxOfflineDuration",
}
_KEEPS_TX: Final = "SmartChargingCtrlr.ChargingProfilePersistence[TxProfile]"
_OPTIONAL_PURPOSES: Final = (PRIORITY, LOCAL_GENERATION)
# 1.6 reports quantities instead of units.
_UNIT_WORDS: Final = {"current": "A", "power": "W", "a": "A", "w": "W"}


class Abilities(NamedTuple):
    """The limits of a station. None or empty: not reported, so nothing is refused for it.

    `has_phase_to_use`: a period may name its phase. `has_unique_levels`: two profiles with different ids must
    not compete on one level (2.x K01.FR.06, FR.39, FR.52, FR.53); in 1.6 the later one replaces the other.
    `fields` and `kinds` are those of the version; `lacks` those that the station reports as not supported.
    """

    purposes: tuple[str, ...]
    has_phase_to_use: bool
    has_unique_levels: bool
    max_stack_level: int | None = None
    units: frozenset[str] = frozenset()
    max_periods: int | None = None
    max_profiles: int | None = None
    switches_phases: bool = False
    highest_external_id: int = 0
    fields: frozenset[str] = frozenset()
    kinds: tuple[str, ...] = (ABSOLUTE, RECURRING, RELATIVE)
    lacks: frozenset[str] = frozenset()


@cache
def purposes(version: str) -> tuple[str, ...]:
    """The purposes that the server may send to a station of this version, by their 2.x names."""
    schema = schemas.message_schema(version, "SetChargingProfile", "request")
    kinds = schema.get("definitions", {}).get("ChargingProfilePurposeEnumType")
    if kinds is None:
        kinds = schema["properties"]["csChargingProfiles"]["properties"]["chargingProfilePurpose"]
    # K01.FR.22: external constraints never come from the CSMS.
    return tuple(word for word in map(purpose, kinds["enum"]) if word != EXTERNAL)


@cache
def kinds(version: str) -> tuple[str, ...]:
    """The kinds of profiles of this version."""
    definitions = schemas.message_schema(version, "SetChargingProfile", "request").get("definitions", {})
    words = definitions.get("ChargingProfileKindEnumType", {}).get("enum", ())
    return (ABSOLUTE, RECURRING, RELATIVE, *((DYNAMIC,) if DYNAMIC in words else ()))


@cache
def fields(version: str) -> frozenset[str]:
    """The fields of a 2.x profile, its schedules and their periods in this version; empty for 1.6."""
    definitions = schemas.message_schema(version, "SetChargingProfile", "request").get("definitions", {})
    types = ("ChargingProfileType", "ChargingScheduleType", "ChargingSchedulePeriodType")
    return frozenset(name for kind in types for name in definitions.get(kind, {}).get("properties", {}))


def of_any() -> Abilities:
    """The limits that no station is beyond: of one of any version that has reported none."""
    words = dict.fromkeys(word for version in VERSIONS for word in purposes(version))
    return Abilities(
        purposes=tuple(words),
        has_phase_to_use=True,
        has_unique_levels=False,
        switches_phases=True,
        fields=frozenset(name for version in VERSIONS for name in fields(version)),
        kinds=tuple(dict.fromkeys(word for version in VERSIONS for word in kinds(version))),
    )


def names(version: str) -> tuple[str, ...]:
    """The keys or variables that a station of this version reports its limits by."""
    limits = tuple(name for name in (in_dialect(version, *both) for both in _ALL) if name)
    has = fields(version) | set(kinds(version))
    return (*limits, *(name for field, name in _SUPPORTS.items() if field in has))


def abilities(version: str, reported: Mapping[str, str]) -> Abilities:
    """The limits of a station of this version, from the values of `names`. Values that make no sense count as
    not reported.
    """

    def value(both: tuple[str, str]) -> str:
        return reported.get(in_dialect(version, *both), "").strip()

    words = (word.strip().casefold() for word in value(_UNITS).split(","))
    is_2x = in_dialect(version, False, True)
    return Abilities(
        purposes=_purposes(version, value(_ADDITIONAL)),
        has_phase_to_use=is_2x,
        has_unique_levels=is_2x,
        max_stack_level=_number(value(_LEVEL)),
        units=frozenset(_UNIT_WORDS[word] for word in words if word in _UNIT_WORDS),
        max_periods=_number(value(_PERIODS)) or None,
        max_profiles=_number(value(_PROFILES)) or None,
        switches_phases=value(_PHASES).casefold() == "true",
        highest_external_id=_number(value(_EXTERNAL_IDS)) or 0,
        fields=fields(version),
        kinds=kinds(version),
        lacks=frozenset(
            field for field, name in _SUPPORTS.items() if reported.get(name, "").strip().casefold() == "false"
        ),
    )


def _purposes(version: str, additional: str) -> tuple[str, ...]:
    """The purposes of the version, without optional ones that the station does not name among its own."""
    named = {word.strip().casefold() for word in additional.split(",")} if additional else None
    return tuple(
        word
        for word in purposes(version)
        if named is None or word not in _OPTIONAL_PURPOSES or word.casefold() in named
    )


def of(charge_point_pk: int, version: str) -> Abilities:
    """The limits of a station. Uses the database."""
    return abilities(version, capabilities.reports.app.values(charge_point_pk, names(version)))


def keeps_tx_profiles(charge_point_pk: int) -> bool:
    """Whether a station reports that it keeps TxProfiles over a restart (2.1). Uses the database."""
    reported = capabilities.reports.app.values(charge_point_pk, (_KEEPS_TX,))
    return reported.get(_KEEPS_TX, "").strip().casefold() == "true"


def takes_setpoints(charge_point_pk: int, *, evse: int, transfer: str) -> bool:
    """Whether a station takes setpoints of the server in an energy transfer (2.1 Q03). One that reports no
    modes is not refused. Uses the database.
    """
    names = [
        f"V2XChargingCtrlr{place}.SupportedOperationModes{instance}"
        for place in (f"({evse})", "")
        for instance in (f"[{transfer}]", "")
    ]
    reported = capabilities.reports.app.values(charge_point_pk, names)
    modes = next((reported[name] for name in names if name in reported), "")
    return not modes.strip() or CENTRAL_SETPOINT in {word.strip() for word in modes.split(",")}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None  # noqa: PLR2004 - 32 bits
