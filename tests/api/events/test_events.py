"""Events over REST: pages by position, filters, gaps, one event, schemas."""

from __future__ import annotations

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint, Site
from events.models import Event
from events.services import numbering
from events.services.envelopes import Content, envelope, site_names
from ocpp_server.events import catalogue, outbox
from ocpp_server.events.catalogue import charging, stations
from tests.api.conftest import Caller

PATH = "/api/v1/events"


@pytest.fixture
def events(db: None) -> list[Event]:
    """Five numbered events of two stations."""
    for station in ("A", "B", "A", "A", "B"):
        outbox.emit(stations.FIRMWARE, station=station, status="Downloading")
    numbering.number_some()
    return list(Event.objects.numbered())


def positions(answer: dict[str, object]) -> list[int]:
    found = answer["events"]
    assert isinstance(found, list)
    return [each["position"] for each in found]


def test_a_consumer_reads_page_after_page(viewer: Caller, events: list[Event]) -> None:
    first = viewer.get(f"{PATH}?limit=2").info
    second = viewer.get(f"{PATH}?limit=2&after={first['next']}").info
    third = viewer.get(f"{PATH}?limit=2&after={second['next']}").info
    last = viewer.get(f"{PATH}?after={third['next']}").info

    assert [positions(page) for page in (first, second, third, last)] == [[1, 2], [3, 4], [5], []]
    assert [page["more"] for page in (first, second, third, last)] == [True, True, False, False]
    assert last["next"] == "5"
    assert last["gap"] is False


def test_the_envelope_of_an_event(viewer: Caller, db: None) -> None:
    site = Site.objects.create(name="Depot")
    outbox.emit(stations.FIRMWARE, station="A", site=site.pk, status="Installed")
    outbox.emit(charging.TOKEN_CREATED, token_id=1, uid="04A1••••", type="RFID", status="active")
    numbering.number_some()

    shown, without = viewer.get(PATH).info["events"]

    assert (shown["station"], shown["sequence"], shown["position"]) == ("A", 1, 1)
    assert shown["site"] == {"id": site.pk, "name": "Depot"}
    assert shown["data"] == {"status": "Installed"}
    assert shown["timestamp"].endswith("Z")
    assert (without["station"], without["sequence"], without["site"]) == (None, None, None)
    assert viewer.get(f"{PATH}/{shown['id']}").info == shown
    rows = list(Event.objects.numbered())
    assert [envelope(Content.of(row), site_names(rows)) for row in rows] == [shown, without]
    assert viewer.get(f"{PATH}/evt_none").status_code == 404


def test_tokens_are_masked_unless_the_caller_may_see_them(
    viewer: Caller, operator: Caller, administrator: Caller, db: None
) -> None:
    token = Token.objects.create(uid="04A1B2C3D4", type="RFID")
    outbox.emit(charging.TOKEN_CREATED, token_id=token.pk, uid="04A1••••", type="RFID", status="active")
    outbox.emit(charging.TOKEN_CREATED, token_id=token.pk + 1, uid="04A9••••", type="RFID", status="active")
    outbox.emit(stations.FIRMWARE, station="A", status="Installed")
    numbering.number_some()

    masked = [event["data"].get("uid") for event in viewer.get(PATH).info["events"]]
    whole = administrator.get(f"{PATH}?tokens=whole").info["events"]

    assert masked == ["04A1••••", "04A9••••", None]
    assert [event["data"].get("uid") for event in whole] == ["04A1B2C3D4", "04A9••••", None]
    assert administrator.get(f"{PATH}/{whole[0]['id']}?tokens=whole").info == whole[0]
    for path in (PATH, f"{PATH}/stream", f"{PATH}/{whole[0]['id']}"):
        refused = operator.get(f"{path}?tokens=whole")
        assert (refused.status_code, refused.info["code"]) == (403, "permission-denied")
    assert operator.post(f"{PATH}/tickets", {"tokens": "whole"}).status_code == 403


def test_an_event_without_a_number_is_not_readable(viewer: Caller, events: list[Event]) -> None:
    outbox.emit(stations.FIRMWARE, station="A", status="Installed")
    waiting = Event.objects.unnumbered().get()

    assert positions(viewer.get(f"{PATH}?after=4").info) == [5]
    assert viewer.get(f"{PATH}/{waiting.uid}").status_code == 404


def test_filters(viewer: Caller, events: list[Event]) -> None:
    ChargePoint.objects.create(identity="B")
    outbox.emit(charging.EFFECT_MISSED, station="B", site=7, requestId="r", effect="transaction-started")
    numbering.number_some()

    assert positions(viewer.get(f"{PATH}?station=b").info) == [2, 5, 6]
    assert positions(viewer.get(f"{PATH}?types=effect.*,transaction.started").info) == [6]
    assert positions(viewer.get(f"{PATH}?site=7").info) == [6]
    quiet = viewer.get(f"{PATH}?types=transaction.started").info
    assert (positions(quiet), quiet["next"]) == ([], "6")


def test_an_unknown_pattern_is_refused_by_its_name(viewer: Caller) -> None:
    response = viewer.get(f"{PATH}?types=transaction.*,reboot.*")

    assert response.status_code == 400
    assert response.info["errors"] == [{"field": "types", "reason": "No type of event matches 'reboot.*'."}]


@pytest.mark.parametrize("after", ["-1", "evt_1", "1" * 30, ""])
def test_a_position_that_is_none_is_refused(viewer: Caller, after: str) -> None:
    assert viewer.get(f"{PATH}?after={after}").status_code == 400


def test_latest_skips_all_present_events(viewer: Caller, events: list[Event]) -> None:
    info = viewer.get(f"{PATH}?after=latest").info

    assert (info["events"], info["next"], info["gap"]) == ([], "5", False)


def test_a_consumer_learns_that_events_were_deleted_before_it_read_them(
    viewer: Caller, events: list[Event]
) -> None:
    Event.objects.filter(position__lte=3).delete()

    late = viewer.get(f"{PATH}?after=1").info
    exact = viewer.get(f"{PATH}?after=3").info
    new = viewer.get(PATH).info

    assert (late["gap"], positions(late)) == (True, [4, 5])
    assert (exact["gap"], positions(exact)) == (False, [4, 5])
    assert (new["gap"], positions(new)) == (False, [4, 5])
    Event.objects.all().delete()
    assert viewer.get(f"{PATH}?after=5").info["gap"] is False
    assert viewer.get(f"{PATH}?after=4").info["gap"] is True


def test_a_position_of_the_future_is_a_gap(viewer: Caller, events: list[Event]) -> None:
    info = viewer.get(f"{PATH}?after=900").info

    assert (info["gap"], info["next"], info["events"]) == (True, "5", [])


def test_events_need_credentials(anonymous: Caller) -> None:
    assert anonymous.get(PATH).status_code == 401


def test_every_type_has_a_schema(viewer: Caller) -> None:
    for name, kind in catalogue.EVENTS.items():
        response = viewer.client.get(
            f"/api/schema/events/{name}.json", headers={"Authorization": f"Api-Key {viewer.key}"}
        )
        assert response.json()["required"] == [each.name for each in kind.fields if not each.optional]
    assert viewer.get("/api/schema/events/nothing.json").status_code == 404
