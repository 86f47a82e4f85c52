"""The lists of follow-ups and reports over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, FollowUp, ReportAssembly
from chargepoints.services.follow_ups import personal
from tests.api.conftest import NOON, Caller

FOLLOW_UPS = "/api/v1/chargepoints/GARAGE%201/follow-ups"
REPORTS = "/api/v1/chargepoints/GARAGE%201/reports"


@pytest.fixture
def rows(garage: ChargePoint) -> None:
    for number in range(3):
        FollowUp.objects.create(
            charge_point=garage,
            action="NotifyReport" if number else "NotifyCustomerInformation",
            request_id=7 + number,
            seq_no=number,
            payload='{"data": "Alice", "wifiPassword": "s3cret"}',
            personal_data=personal.seal("Alice"),
            fingerprint=str(number),
            received_at=NOON + timedelta(hours=number),
        )
        ReportAssembly.objects.create(
            charge_point=garage,
            action="NotifyReport",
            request_id=7 + number,
            state="incomplete" if number else "complete",
            started_at=NOON + timedelta(hours=number),
            last_at=NOON,
        )


def test_follow_ups_are_listed_newest_first_and_hold_no_secrets(viewer: Caller, rows: None) -> None:
    response = viewer.get(FOLLOW_UPS)

    assert [row["requestId"] for row in response.info["followUps"]] == [9, 8, 7]
    assert response.info["followUps"][2]["payload"] == {"data": "***", "wifiPassword": "***"}
    assert response.info["followUps"][1]["payload"]["wifiPassword"] == "***"


@pytest.mark.parametrize(
    ("url", "query", "found"),
    [
        (FOLLOW_UPS, "requestId=8", [8]),
        (FOLLOW_UPS, "action=NotifyReport&ordering=time", [8, 9]),
        (FOLLOW_UPS, "from=2026-05-04T13:00:00Z&to=2026-05-04T14:00:00Z", [8]),
        (REPORTS, "", [9, 8, 7]),
        (REPORTS, "state=complete", [7]),
        (REPORTS, "requestId=9&action=NotifyReport", [9]),
    ],
)
def test_the_lists_are_filtered(viewer: Caller, rows: None, url: str, query: str, found: list[Any]) -> None:
    response = viewer.get(f"{url}?{query}")

    (listed,) = [value for value in response.info.values() if isinstance(value, list)]
    assert [row["requestId"] for row in listed] == found


@pytest.mark.parametrize("url", [FOLLOW_UPS, REPORTS])
def test_the_lists_are_read_on_with_a_cursor(viewer: Caller, rows: None, url: str) -> None:
    first = viewer.get(f"{url}?limit=2").info

    second = viewer.get(f"{url}?limit=2&cursor={first['next']}").info

    assert (first["count"], second["count"], second["total"], second["next"]) == (2, 1, 3, None)


def test_one_row_is_found_by_its_number_at_its_own_station(viewer: Caller, rows: None) -> None:
    ChargePoint.objects.create(identity="OTHER")
    follow_up, report = viewer.get(FOLLOW_UPS).info["followUps"][0], viewer.get(REPORTS).info["reports"][0]

    assert viewer.get(f"{FOLLOW_UPS}/{follow_up['id']}").info == follow_up
    assert viewer.get(f"{REPORTS}/{report['id']}").info == report
    assert viewer.get(f"/api/v1/chargepoints/OTHER/reports/{report['id']}").status_code == 404
    assert viewer.get(f"{REPORTS}/x").status_code == 400
