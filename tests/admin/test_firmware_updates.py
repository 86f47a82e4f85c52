"""Firmware updates in the admin: the station's section, the list, and campaigns that are started there."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import Campaign, ChargePoint, FirmwareFile, FirmwareUpdate
from chargepoints.services.firmware import updates
from ocpp_server.domain import Invalid
from operations import sending
from tests.admin.rows import a_station
from tests.admin.test_campaigns import COURSE

LIST = "admin:chargepoints_firmwareupdate_changelist"
ONE = "admin:chargepoints_firmwareupdate_change"
DANGER = "1 station: The station restarts to install the firmware. Sessions may end because of that."
LOCATION = "ftp://me:mine@files.example.com/1.1.bin"


@pytest.fixture
def update(station: ChargePoint) -> FirmwareUpdate:
    made = updates.create(
        station, command_id="none", action="UpdateFirmware", actor="operator", version="1.1",
        is_signed=False, retrieve_at=datetime.now(UTC), install_at=None, location=LOCATION,
    )  # fmt: skip
    FirmwareUpdate.objects.filter(pk=made.pk).update(
        state="failed", status="DownloadFailed", fault="No file."
    )
    return made


def test_the_station_page_the_list_and_the_page_show_the_update(
    viewer: Client, station: ChargePoint, update: FirmwareUpdate
) -> None:
    (row,) = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["firmware"]
    pages = [viewer.get(reverse(LIST)), viewer.get(reverse(ONE, args=[update.pk]))]
    texts = [html.unescape(page.content.decode()) for page in pages]

    assert [cell["text"] for cell in row[:3]] == ["1.1", "Failed", "DownloadFailed"]
    assert row[0]["href"] == reverse(ONE, args=[update.pk])
    assert (row[0]["note"], row[1]["note"]) == ("ftp://***@files.example.com/1.1.bin", "No file.")
    assert row[4]["text"] == "operator"
    for text in texts:
        assert "No file." in text
        assert "mine" not in text


def test_a_campaign_of_updates_waits_for_their_results(operator: Client, db: None) -> None:
    station = a_station("CP-1")
    inputs: dict[str, Any] = {"station": [str(station.pk)], "location": LOCATION, "version": "1.1"}
    url = reverse("admin:stations-campaign", args=["update-firmware"])
    asked = html.unescape(operator.post(url, inputs | COURSE).content.decode())
    assert DANGER in asked

    made = operator.post(url, inputs | COURSE | {"confirmed": DANGER})

    campaign = Campaign.objects.get()
    assert made["Location"] == reverse("admin:chargepoints_campaign_change", args=[campaign.pk])
    assert campaign.kind == "firmware"
    assert campaign.arguments["location"] == "ftp://***@files.example.com/1.1.bin"
    assert "Install 1.1 from ftp://***@" in html.unescape(operator.get(made["Location"]).content.decode())


def test_a_firmware_that_does_not_exist_is_shown_as_the_reason(operator: Client, db: None) -> None:
    station = a_station("CP-1")
    inputs: dict[str, Any] = {"station": [str(station.pk)], "firmware": "999"}

    answer = operator.post(
        reverse("admin:stations-campaign", args=["update-firmware"]), inputs | COURSE | {"confirmed": DANGER}
    )

    assert "999 is not in the list. It may have been deleted." in html.unescape(answer.content.decode())
    assert not Campaign.objects.exists()


def test_the_form_offers_the_firmware_files_by_name(operator: Client, db: None) -> None:
    station = a_station("CP-1")
    files = [
        FirmwareFile.objects.create(name="Wallbox", version=version, url="https://x/1.bin")
        for version in ("1.1", "1.2")
    ]

    page = operator.get(reverse("admin:station-command", args=[station.pk, "update-firmware"]))
    options = re.findall(r'<option value="(\d+)"[^>]*>([^<]+)<', page.content.decode())

    assert options[:2] == [(str(one.pk), f"{one.pk} · {one}") for one in reversed(files)]


def test_a_refusal_of_one_field_is_said_once(db: None) -> None:
    invalid = Invalid("Give the number of a firmware, or a location.", field="firmware")
    other = Invalid("Two fields are wrong.", errors=[{"field": "a", "reason": "Too long."}])
    station = a_station("CP-1")

    sentences = [sending.refused(station, one).sentence for one in (invalid, other)]

    assert sentences == [
        "firmware: Give the number of a firmware, or a location.",
        "Two fields are wrong. a: Too long.",
    ]
