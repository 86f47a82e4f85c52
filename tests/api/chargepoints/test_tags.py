"""Tags of stations: set by the settings of a station, and used by filters and campaigns."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import Campaign, ChargePoint, Tag
from events.models import Event
from tests.api.conftest import Caller

STATIONS = "/api/v1/chargepoints"
GARAGE = f"{STATIONS}/GARAGE%201"


def test_a_station_is_added_with_tags(operator: Caller) -> None:
    added = operator.post(STATIONS, {"clientId": "NEW", "tags": [" North ", "fast", "FAST"]})

    assert added.status_code == 201
    assert added.info["tags"] == ["fast", "North"]


def test_tags_are_replaced_and_removed(operator: Caller, garage: ChargePoint) -> None:
    operator.patch(GARAGE, {"tags": ["fast", "north"]})
    kept = Tag.objects.get(key="fast").pk

    changed = operator.patch(GARAGE, {"tags": ["fast", "South"]})
    unchanged = operator.patch(GARAGE, {"name": "Yard"})
    respelled = operator.patch(GARAGE, {"tags": ["FAST"]})
    none = operator.patch(GARAGE, {"tags": []})

    assert changed.info["tags"] == ["fast", "South"]
    assert unchanged.info["tags"] == ["fast", "South"]
    assert respelled.info["tags"] == ["FAST"]
    assert none.info["tags"] == []
    assert not Tag.objects.filter(pk=kept).exists()


def test_only_a_change_of_tags_is_an_event(operator: Caller, garage: ChargePoint) -> None:
    operator.patch(GARAGE, {"tags": ["fast"]})
    operator.patch(GARAGE, {"tags": ["fast"]})

    changes = [event.content["changed"] for event in Event.objects.filter(type="station.updated")]

    assert changes == [["tags"]]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([""], "blank"),
        ([" "], "1 to 50"),
        (["x" * 51], "50"),
        (["a,b"], "comma"),
        ([f"t{number}" for number in range(21)], "20"),
        ("fast", "list"),
        ([7], "string"),
    ],
)
def test_a_bad_tag_is_400_with_the_reason(
    operator: Caller, garage: ChargePoint, tags: Any, reason: str
) -> None:
    refused = operator.patch(GARAGE, {"tags": tags})

    assert refused.status_code == 400
    assert refused.info["errors"][0]["field"].startswith("tags")
    assert reason in refused.info["errors"][0]["reason"]
    assert not Tag.objects.exists()


def test_a_viewer_sets_no_tags(viewer: Caller, garage: ChargePoint) -> None:
    assert viewer.patch(GARAGE, {"tags": ["fast"]}).status_code == 403


def test_the_list_is_filtered_by_a_tag(viewer: Caller, operator: Caller, garage: ChargePoint) -> None:
    operator.post(STATIONS, {"clientId": "NEW", "tags": ["Fast", "north"]})
    operator.patch(GARAGE, {"tags": ["north"]})

    def found(tag: str) -> list[str]:
        return [one["clientId"] for one in viewer.get(f"{STATIONS}?tag={tag}").info["chargePoints"]]

    assert found("fast") == ["NEW"]
    assert found("NORTH") == [garage.identity, "NEW"]
    assert found("nor") == []


def test_a_campaign_is_for_the_stations_with_a_tag(operator: Caller, garage: ChargePoint) -> None:
    operator.post(STATIONS, {"clientId": "NEW", "tags": ["Fast"]})
    body = {"name": "Resets", "kind": "command", "arguments": {"command": "reset", "fields": {}}}

    made = operator.post("/api/v1/campaigns", {**body, "stations": {"tag": "fast"}})
    nothing = operator.post("/api/v1/campaigns", {**body, "stations": {"tag": "slow"}})
    both = operator.post("/api/v1/campaigns", {**body, "stations": {"tag": "fast", "model": "X"}})

    campaign = Campaign.objects.get(pk=made.info["id"])
    assert [row.charge_point.identity for row in campaign.stations.all()] == ["NEW"]
    assert (nothing.status_code, both.status_code) == (400, 400)


def test_tags_go_with_their_station(administrator: Caller) -> None:
    administrator.post(STATIONS, {"clientId": "NEW", "tags": ["fast"]})

    assert administrator.delete(f"{STATIONS}/NEW").status_code == 200

    assert not Tag.objects.exists()
