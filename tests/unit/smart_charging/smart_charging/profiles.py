"""A station with installed charging profiles, and the payload of one, for tests without a database."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from smart_charging.live import INSTALLED, Installed
from tests.unit.chargepoints.in_memory import a_station

STATION_MAX = "ChargingStationMaxProfile"


def with_profiles(version: str = V16, **states: str) -> Station:
    """A station with the profile 1 at EVSE 1, 2 at EVSE 2, and 3 of the whole station."""
    station = a_station(version=version)
    for number, evse, purpose, level in (
        (1, 1, "TxDefaultProfile", 0),
        (2, 2, "TxDefaultProfile", 1),
        (3, 0, STATION_MAX, 0),
    ):
        state = states.get(f"state_{number}", "installed")
        INSTALLED.of(station).append(Installed(f"pk-{number}", number, evse, purpose, level, state))
    return station


def payload(
    number: int = 9, purpose: str = "TxDefaultProfile", level: int = 0, **more: Any
) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
        **more,
    }


def left(station: Station) -> list[int]:
    return [one.profile_id for one in INSTALLED.of(station)]
