"""Reports and follow-ups in the admin: the section of the station page, and who sees personal data."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint, Command, FollowUp, ReportAssembly
from chargepoints.services.follow_ups import personal
from tests.admin.rows import NOON

SECRET = "Alice lives at 5 Long Street"


@pytest.fixture
def command(station: ChargePoint) -> Command:
    return Command.objects.create(
        id="c1", charge_point=station, action="GetBaseReport", payload={}, created_at=NOON, deadline_at=NOON
    )


def test_the_station_page_shows_reports_and_other_follow_ups(
    viewer: Client, station: ChargePoint, command: Command
) -> None:
    ReportAssembly.objects.create(
        charge_point=station,
        command=command,
        action="NotifyReport",
        request_id=7,
        state="incomplete",
        parts=3,
        missing=2,
        started_at=NOON,
        last_at=NOON,
    )
    FollowUp.objects.create(
        charge_point=station,
        action="LogStatusNotification",
        status="Uploading",
        payload="{}",
        fingerprint="1",
        received_at=NOON + timedelta(hours=1),
    )

    page = viewer.get(reverse("admin:station-live", args=[station.pk])).json()

    log, report = page["tables"]["follow_ups"]
    assert [cell["text"] for cell in log[:3]] == ["LogStatusNotification", "–", "Uploading"]
    assert [cell["text"] for cell in report[:4]] == [
        "NotifyReport",
        "GetBaseReport 7",
        "Incomplete (2 parts missing)",
        "3",
    ]
    assert viewer.get(report[0]["href"]).status_code == 200


@pytest.mark.parametrize("column", ["payload", "payload_text"])
def test_the_page_of_a_follow_up_shows_its_payload_once(
    viewer: Client, station: ChargePoint, column: str
) -> None:
    row = FollowUp.objects.create(
        charge_point=station,
        action="NotifyReport",
        fingerprint="1",
        received_at=NOON,
        **{column: '{"a":"Sent"}'},
    )

    page = viewer.get(reverse("admin:chargepoints_followup_change", args=[row.pk])).content.decode()

    assert page.count("Sent") == 1
    assert "packed" not in page and "payload_text" not in page


@pytest.mark.parametrize(("role", "is_shown"), [("administrator", True), ("operator", False)])
def test_only_administrators_see_customer_information(
    request: pytest.FixtureRequest, station: ChargePoint, role: str, is_shown: bool
) -> None:
    client: Client = request.getfixturevalue(role)
    row = FollowUp.objects.create(
        charge_point=station,
        action="NotifyCustomerInformation",
        payload=json.dumps({"data": "***"}),
        personal_data=personal.seal(SECRET),
        fingerprint="1",
        received_at=NOON,
    )

    page = client.get(reverse("admin:chargepoints_followup_change", args=[row.pk])).content.decode()

    assert (SECRET in page) == is_shown
    assert row.personal_data not in page
