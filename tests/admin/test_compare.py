"""The configurations of two stations side by side, from the list of stations."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from tests.admin.rows import a_station

LIST = "admin:chargepoints_chargepoint_changelist"


@pytest.fixture
def stations(db: None) -> list[ChargePoint]:
    return [a_station(f"CP-{number}") for number in (1, 2, 3)]


def report(station: ChargePoint, **values: str | None) -> None:
    now = datetime.now(UTC)
    for key, value in values.items():
        ReportedKey.objects.create(charge_point=station, key=key, value=value, reported_at=now)


def compare(client: Client, stations: list[ChargePoint]) -> str:
    chosen = {"action": "compare", "_selected_action": [str(one.pk) for one in stations]}
    answer = client.post(reverse(LIST), chosen, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def cells(page: str) -> list[list[str]]:
    """The texts of each row of the table."""
    rows = re.findall(r"<tr><td data-head.*?</tr>", page)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td.*?</td>", row)] for row in rows]


def test_different_keys_are_shown_without_secrets(operator: Client, stations: list[ChargePoint]) -> None:
    report(stations[0], Interval="60", Same="1", Mine="", AuthorizationKey="first")
    report(stations[1], interval="90", Same="1", AuthorizationKey="second")

    page = compare(operator, stations[:2])

    assert cells(page) == [
        ["AuthorizationKey", "***", "***"],
        ["Interval", "60", "90"],
        ["Mine", "(empty)", "Not reported"],
    ]
    assert "3 reported keys differ. 1 key is the same." in page
    assert "first" not in page.partition("<main")[2]


def test_stations_without_a_report_say_what_to_do(operator: Client, stations: list[ChargePoint]) -> None:
    assert "Neither station has reported its configuration." in compare(operator, stations[:2])


@pytest.mark.parametrize("count", [1, 3])
def test_other_numbers_of_stations_are_refused(
    operator: Client, stations: list[ChargePoint], count: int
) -> None:
    assert "Select two stations to compare." in compare(operator, stations[:count])
