"""Needs and schedules of vehicles with every field broken, while a session with a profile runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21, V201, Version
from smart_charging.live import INSTALLED, Installed
from tests.conformance.every.frames.test_every_schema import mutated
from tests.direct.station import DirectStation
from tests.unit.protocol.samples import example

pytestmark = pytest.mark.django_db(transaction=True)
PERIODS = [{"startPeriod": 0, "limit": 16}, {"startPeriod": 60, "limit": 8}]
PROFILE = {
    "id": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [
        {
            "chargingRateUnit": "A",
            "startSchedule": "2026-05-04T12:00:00Z",
            "chargingSchedulePeriod": PERIODS,
        }
    ],
}


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("action", ["NotifyEVChargingNeeds", "NotifyEVChargingSchedule"])
async def test_no_broken_field_is_an_internal_error(station: Any, version: Version, action: str) -> None:
    root = schemas.message_schema(version, action, "request")
    sample = example(root)
    sample["evseId"] = 1
    charger: DirectStation = await station(version)
    await charger.event("Started", "T1", uid="CARD", evse=1)
    number = (await charger.only_session()).pk
    held = Installed("pk", 7, 1, "TxProfile", 0, "installed", number, "c-1", payload=PROFILE)

    answers = set()
    for name, payload in mutated(root, json.dumps(sample)):
        if name.endswith(" huge"):
            continue  # the wire of these tests writes 64 bits
        INSTALLED.of(charger.station)[:] = [held]
        answer = await charger.call(action, payload)
        assert answer[0] == 3 or answer[2] != "InternalError", (name, answer)
        answers.add(answer[0])

    assert 3 in answers
