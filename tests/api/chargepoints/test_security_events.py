"""The security log over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, SecurityEvent
from tests.api.conftest import NOON, Caller

URL = "/api/v1/security-events"


@pytest.fixture
def rows(garage: ChargePoint) -> list[SecurityEvent]:
    made = []
    for number, (type, station, critical) in enumerate(
        [("TamperDetectionActivated", garage, True), ("Acme7", garage, False), ("FailedApiKey", None, False)]
    ):
        made.append(
            SecurityEvent.objects.create(
                charge_point=station,
                type=type,
                tech_info=f"detail {number}",
                is_critical=critical,
                from_station=station is not None,
                at=NOON,
                received_at=NOON + timedelta(hours=number),
            )
        )
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["FailedApiKey", "Acme7", "TamperDetectionActivated"]),
        ("ordering=receivedAt", ["TamperDetectionActivated", "Acme7", "FailedApiKey"]),
        ("critical=true", ["TamperDetectionActivated"]),
        ("critical=false", ["FailedApiKey", "Acme7"]),
        ("fromStation=false", ["FailedApiKey"]),
        ("type=tamperdetectionactivated", ["TamperDetectionActivated"]),
        ("type=tamper", []),
        ("search=detail%201", ["Acme7"]),
        ("search=amper", ["TamperDetectionActivated"]),
        ("clientId=garage%201", ["Acme7", "TamperDetectionActivated"]),
        ("clientId=unknown", []),
        ("from=2026-05-04T13:00:00Z&to=2026-05-04T14:00:00Z", ["Acme7"]),
    ],
)
def test_the_log_is_filtered(viewer: Caller, rows: Any, query: str, found: list[str]) -> None:
    response = viewer.get(f"{URL}?{query}")

    assert [row["type"] for row in response.info["securityEvents"]] == found


def test_an_event_has_its_station_if_there_is_one(viewer: Caller, rows: list[SecurityEvent]) -> None:
    one, other = (viewer.get(f"{URL}/{rows[number].pk}").info for number in (0, 2))

    assert (one["clientId"], one["critical"], one["techInfo"]) == ("GARAGE 1", True, "detail 0")
    assert (other["clientId"], other["critical"], other["fromStation"]) == (None, False, False)


@pytest.mark.parametrize("query", ["critical=yes!", "clientId=", "ordering=type", "secret=1"])
def test_a_wrong_filter_is_400(viewer: Caller, rows: Any, query: str) -> None:
    assert viewer.get(f"{URL}?{query}").status_code == 400


def test_the_log_can_not_be_written(administrator: Caller, rows: list[SecurityEvent]) -> None:
    assert administrator.post(URL, {"type": "X"}).status_code == 405
