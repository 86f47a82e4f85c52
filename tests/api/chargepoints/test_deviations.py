"""Deviations of stations over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.services import api_keys
from chargepoints.models import ChargePoint, Deviation
from tests.api.conftest import NOON, Caller

URL = "/api/v1/deviations"


@pytest.fixture
def rows(garage: ChargePoint) -> list[Deviation]:
    other = ChargePoint.objects.create(identity="CP-2")
    return [
        Deviation.objects.create(
            charge_point=station,
            kind=kind,
            action=action,
            detail="IdTag of 21 characters: 'ALICE'",
            example=example,
            count=3,
            first_at=NOON,
            last_at=NOON + timedelta(hours=number),
        )
        for number, (station, kind, action, example) in enumerate(
            [
                (garage, "unknown-action", "Ping", '[2,"1","Ping",{"password":"hunter2"}]'),
                (garage, "repeated-start", "StartTransaction", '[2,"2","StartTransaction",{"idTag":"ALI'),
                (other, "unknown-action", "Ping", ""),
            ]
        )
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [2, 1, 0]),
        ("ordering=lastAt", [0, 1, 2]),
        ("clientId=garage%201", [1, 0]),
        ("clientId=UNKNOWN", []),
        ("kind=unknown-action", [2, 0]),
        ("kind=unknown-action&clientId=CP-2", [2]),
        ("from=2026-05-04T13:00:00Z&to=2026-05-04T14:00:00Z", [1]),
    ],
)
def test_deviations_are_filtered(viewer: Caller, rows: list[Deviation], query: str, found: list[int]) -> None:
    response = viewer.get(f"{URL}?{query}")

    assert [row["id"] for row in response.info["deviations"]] == [rows[number].pk for number in found]


def test_a_deviation_shows_its_example_without_secrets(viewer: Caller, rows: list[Deviation]) -> None:
    shown = viewer.get(f"{URL}/{rows[0].pk}").info

    assert (shown["clientId"], shown["kind"], shown["action"], shown["count"]) == (
        "GARAGE 1",
        "unknown-action",
        "Ping",
        3,
    )
    assert shown["example"].startswith('[2,"1","Ping",') and "hunter2" not in shown["example"]


def test_a_key_without_personal_data_sees_no_texts_of_the_station(rows: list[Deviation]) -> None:
    _, plain = api_keys.create(name="anonymous", role="viewer", shows_personal_data=False)

    shown = Caller(plain).get(f"{URL}/{rows[1].pk}").info

    assert "ALI" not in str(shown)
    assert (shown["kind"], shown["count"]) == ("repeated-start", 3)


def test_deviations_can_not_be_written(administrator: Caller, rows: list[Deviation]) -> None:
    assert administrator.post(URL, {"kind": "X"}).status_code == 405
    assert administrator.delete(f"{URL}/{rows[0].pk}").status_code == 405
