"""The local list of a station in the admin."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint
from configuration.models import LocalList


def cell(viewer: Client, station: ChargePoint) -> dict[str, Any]:
    values: dict[str, dict[str, Any]] = viewer.get(reverse("admin:station-live", args=[station.pk])).json()[
        "values"
    ]
    return values["local_list"]


def test_the_station_page_says_that_a_list_is_left_alone(viewer: Client, station: ChargePoint) -> None:
    assert cell(viewer, station)["text"] == "–"
    assert "Not managed" in cell(viewer, station)["note"]


def test_the_station_page_shows_state_share_and_version(viewer: Client, station: ChargePoint) -> None:
    row = LocalList.objects.create(
        charge_point=station,
        is_automatic=True,
        state="in_sync",
        version=8,
        listed_count=312,
        eligible_count=2000,
    )
    assert cell(viewer, station) == {
        "text": "Up to date", "label": True, "tone": "success", "note": "312 of 2,000 tokens, version 8"
    }  # fmt: skip

    row.eligible_count, row.state, row.reason, row.is_automatic = 312, "failed", "It said no.", False
    row.save()

    assert cell(viewer, station)["note"] == "It said no, 312 tokens, version 8, no automatic updates"
    assert cell(viewer, station)["tone"] == "danger"


def test_the_page_of_local_lists_shows_each_station(viewer: Client, station: ChargePoint) -> None:
    LocalList.objects.create(charge_point=station, reason="No memory.", listed_count=3, eligible_count=9)

    page = viewer.get(reverse("admin:configuration_locallist_changelist")).content.decode()

    assert all(words in page for words in (station.identity, "No memory.", "3 of 9"))
