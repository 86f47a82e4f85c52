"""The charging profiles of a station over REST: read only, with filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from chargepoints.models import ChargePoint
from smart_charging.models import InstalledProfile
from tests.api.conftest import NOON, Caller

PROFILES = "/api/v1/chargepoints/GARAGE%201/charging-profiles"


def a_profile(station: ChargePoint, number: int, **columns: Any) -> InstalledProfile:
    usual = {
        "profile_id": number,
        "evse_number": 1,
        "purpose": "TxDefaultProfile",
        "stack_level": 0,
        "kind": "Relative",
        "payload": {},
        "installed_at": NOON + timedelta(minutes=number),
    }
    return InstalledProfile.objects.create(charge_point=station, **(usual | columns))


@pytest.fixture
def profiles(garage: ChargePoint) -> list[InstalledProfile]:
    return [
        a_profile(garage, 1),
        a_profile(garage, 2, state="cleared", ended_at=NOON),
        a_profile(garage, 3, evse_number=0, purpose="ChargingStationMaxProfile"),
    ]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [3, 2, 1]),
        ("isCurrent=true", [3, 1]),
        ("isCurrent=false", [2]),
        ("state=cleared", [2]),
        ("connectorId=0", [3]),
        ("chargingProfilePurpose=TxDefaultProfile&ordering=installedAt", [1, 2]),
        ("chargingProfileId=1", [1]),
        ("transactionId=5", []),
        ("from=2026-05-04T12:02:00Z&to=2026-05-04T12:03:00Z", [2]),
    ],
)
@pytest.mark.usefixtures("profiles")
def test_a_viewer_reads_them_with_filters(viewer: Caller, query: str, numbers: list[int]) -> None:
    answer = viewer.get(f"{PROFILES}?{query}")

    assert [one["chargingProfileId"] for one in answer.info["chargingProfiles"]] == numbers


def test_one_profile_is_found_at_its_station_alone(
    viewer: Caller, operator: Caller, profiles: list[InstalledProfile]
) -> None:
    other = a_profile(ChargePoint.objects.create(identity="OTHER"), 1)
    path = f"{PROFILES}/{profiles[1].pk}"

    assert (viewer.get(path).info["isCurrent"], viewer.get(path).info["state"]) == (False, "cleared")
    for wrong in (other.pk, "nothing", "%00"):
        assert viewer.get(f"{PROFILES}/{wrong}").status_code == 404
    for method in ("PUT", "PATCH", "DELETE"):
        assert operator.request(method, path, {}).status_code == 405


def test_only_an_ended_profile_has_an_end(garage: ChargePoint) -> None:
    for columns in ({"state": "cleared"}, {"ended_at": NOON}):
        with pytest.raises(IntegrityError), transaction.atomic():
            a_profile(garage, 1, **columns)
