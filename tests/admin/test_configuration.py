"""The station page shows desired values beside the reported ones, the differences first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from accounts.models import User
from chargepoints.models import ChargePoint
from configuration.models import ConfigurationState, ConfigurationTemplate, DesiredValue, ReportedKey
from operations import configuration

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def anyone(role: str = "viewer") -> User:
    return User(username="ann", role=role, is_staff=True)


def test_differences_come_first_then_other_desired_values_then_reported_ones() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    base = ConfigurationTemplate.objects.create(name="Base", dialect="1.6", values={"B": "2"})
    for key, value in {"A": "1", "B": "1", "C": "", "D": None}.items():
        ReportedKey.objects.create(charge_point=station, key=key, value=value, reported_at=NOON)
    DesiredValue.objects.create(charge_point=station, key="A", value="1", state="same")
    DesiredValue.objects.create(charge_point=station, key="b", value="2", state="differs", template=base)

    rows = configuration.rows(station, anyone())

    assert [[cell["text"] for cell in row[:4]] for row in rows] == [
        ["b", "1", "2", "Differs"],
        ["A", "1", "1", "Same"],
        ["C", "(empty)", "–", "–"],
        ["D", "–", "–", "–"],
    ]
    assert rows[0][0]["note"] == "Base"


def test_desired_values_lead_to_their_forms_and_missing_ones_to_a_new_one() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    for key, readonly in {"A": False, "B&": False, "C": True}.items():
        row = {"key": key, "value": "1", "readonly": readonly, "reported_at": NOON}
        ReportedKey.objects.create(charge_point=station, **row)
    value = DesiredValue.objects.create(charge_point=station, key="A", value="1")
    change = f"/admin/configuration/desiredvalue/{value.pk}/change/"
    add = f"/admin/configuration/desiredvalue/add/?charge_point={station.pk}&key=B%26"

    def links(role: str) -> list[str | None]:
        return [row[2].get("href") for row in configuration.rows(station, anyone(role))]

    assert links("operator") == [change, add, None]
    assert links("viewer") == [change, None, None]


def test_the_page_says_why_a_configuration_was_not_read() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    assert configuration.note(station) == ""
    ConfigurationState.objects.create(charge_point=station, problem="No answer.")

    assert "No answer." in configuration.note(station)
