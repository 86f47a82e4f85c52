"""Changes of security profiles in the admin: the station's page, the list, and campaigns."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import Campaign, ChargePoint, SecurityProfileChange
from chargepoints.services.provisioning import security_profiles
from tests.admin.rows import a_station
from tests.admin.test_campaigns import COURSE

ONE = "admin:chargepoints_securityprofilechange_change"
LIST = "admin:chargepoints_securityprofilechange_changelist"


@pytest.fixture
def change(station: ChargePoint) -> SecurityProfileChange:
    made = security_profiles.offer(
        station.pk, target=2, window=900, command_id="c", actor="ann", slot=2, csms_url="wss://a"
    )
    security_profiles.step(made, "ordering", answer="Accepted", command_id="d")
    return made


def test_the_station_page_shows_both_profiles_and_the_steps(
    viewer: Client, station: ChargePoint, change: SecurityProfileChange
) -> None:
    live = reverse("admin:station-live", args=[station.pk])
    shown = viewer.get(live).json()
    (row,) = shown["tables"]["security_profiles"]
    security_profiles.withdraw(change, "refused", "The station answered SetVariables with Rejected.")
    after = viewer.get(live).json()
    texts = [
        html.unescape(page.content.decode())
        for page in (viewer.get(reverse(LIST)), viewer.get(reverse(ONE, args=[change.pk])))
    ]

    assert "is being changed from 0 to 2: both are admitted" in shown["values"]["next_profile"]["text"]
    assert "Network priority sent" in shown["values"]["next_profile"]["text"]
    assert shown["values"]["profile"]["text"] == "0"
    assert (row[0]["text"], row[0]["href"]) == ("From 0 to 2", reverse(ONE, args=[change.pk]))
    assert row[2]["text"] == "Profile sent: Accepted"
    assert after["values"]["next_profile"]["text"] == ""
    assert after["tables"]["security_profiles"][0][1]["text"] == "Rejected by the station"
    assert all("answered SetVariables with Rejected" in text for text in texts)


def test_a_campaign_is_started_with_the_command(superuser: Client, db: None) -> None:
    station = a_station("CP-1")
    inputs: dict[str, Any] = {"station": [str(station.pk)], "target": "2", "window": "600"}
    url = reverse("admin:stations-campaign", args=["upgrade-security-profile"])
    asked = html.unescape(superuser.post(url, inputs | COURSE).content.decode())
    danger = "1 station: There is no way back over OCPP: a lower profile has to be set at the station itself."
    assert danger in asked and not Campaign.objects.exists()


def test_an_operator_starts_none(operator: Client, db: None) -> None:
    url = reverse("admin:stations-campaign", args=["upgrade-security-profile"])

    inputs = {"station": [str(a_station("CP-1").pk)], "target": "2"}
    assert operator.post(url, inputs | COURSE).status_code == 403
