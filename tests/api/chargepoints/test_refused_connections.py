"""Refused connections over REST, and accepting the station of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import ApiKey
from accounts.services import api_keys
from chargepoints.models import ChargePoint, RefusedConnection, Site
from chargepoints.services.provisioning import refused_connections
from ocpp_server.domain import Conflict
from tests.api.conftest import NOON, Caller

URL = "/api/v1/refused-connections"


def refused(identity: str = "NEW-1", **more: Any) -> RefusedConnection:
    values: dict[str, Any] = {
        "path": f"/ocpp/{identity}",
        "remote_address": "198.51.100.7",
        "code": 404,
        "reason": "Unknown station.",
        "can_be_accepted": True,
        "at": NOON,
    }
    return RefusedConnection.objects.create(identity=identity, **values | more)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["GARAGE 1", "NEW-2", "NEW-1"]),
        ("ordering=at", ["NEW-1", "NEW-2", "GARAGE 1"]),
        ("canBeAccepted=true", ["NEW-2", "NEW-1"]),
        ("canBeAccepted=false", ["GARAGE 1"]),
        ("clientId=NEW-2", ["NEW-2"]),
        ("remoteAddress=203.0.113.9", ["NEW-2"]),
        ("from=2026-05-04T13:00:00Z&to=2026-05-04T14:00:00Z", ["NEW-2"]),
    ],
)
def test_refused_connections_are_filtered(viewer: Caller, query: str, found: list[str]) -> None:
    refused("NEW-1")
    refused("NEW-2", remote_address="203.0.113.9", at=NOON + timedelta(hours=1))
    refused("GARAGE 1", code=401, can_be_accepted=False, at=NOON + timedelta(hours=2))

    response = viewer.get(f"{URL}?{query}")

    assert [row["clientId"] for row in response.info["refusedConnections"]] == found


def test_an_accepted_station_is_added_and_offered_no_longer(operator: Caller) -> None:
    row, again = refused(), refused(at=NOON + timedelta(hours=1))
    site = Site.objects.create(name="Depot")

    answer = operator.post(f"{URL}/{row.pk}/accept", {"name": "Gate", "siteId": site.pk})

    assert (answer.status_code, answer.info["canBeAccepted"]) == (200, False)
    assert answer.answer["message"] == "Station NEW-1 accepted. It can connect at its next attempt."
    station = ChargePoint.objects.get()
    assert (station.identity, station.name, station.site) == ("NEW-1", "Gate", site)
    assert station.registration_status == "Accepted"
    second = operator.post(f"{URL}/{again.pk}/accept")
    assert (second.status_code, "Unknown station." in second.answer["message"]) == (409, True)


def test_a_station_that_was_added_meanwhile_is_accepted(operator: Caller) -> None:
    row = refused("NEW-1")
    ChargePoint.objects.create(identity="new-1", registration_status="Pending")

    assert operator.post(f"{URL}/{row.pk}/accept", {"name": "Gate"}).status_code == 200

    station = ChargePoint.objects.get()
    assert (station.registration_status, station.name) == ("Accepted", "Gate")


@pytest.mark.parametrize(
    ("values", "body", "status"),
    [
        ({"can_be_accepted": False, "reason": "Wrong password."}, {}, 409),
        ({"identity": "a:b"}, {}, 400),
        ({}, {"siteId": 4711}, 400),
        ({}, {"password": "0123456789abcdef"}, 400),
    ],
)
def test_what_can_not_be_accepted_is_refused_and_changes_nothing(
    operator: Caller, values: dict[str, Any], body: dict[str, Any], status: int
) -> None:
    row = refused(**values)

    assert operator.post(f"{URL}/{row.pk}/accept", body).status_code == status

    assert not ChargePoint.objects.exists()
    assert RefusedConnection.objects.get().can_be_accepted is values.get("can_be_accepted", True)


def test_a_viewer_accepts_nothing_and_no_one_deletes(viewer: Caller, administrator: Caller) -> None:
    row = refused()

    assert viewer.post(f"{URL}/{row.pk}/accept").status_code == 403
    assert administrator.delete(f"{URL}/{row.pk}").status_code == 405
    assert administrator.post(f"{URL}/4711/accept").status_code == 404


def test_a_caller_of_two_sites_names_one_of_them(db: None) -> None:
    north, south, other = (Site.objects.create(name=name) for name in ("North", "South", "Other"))
    key, plain = api_keys.create(name="limited", role="operator")
    ApiKey.objects.filter(pk=key.pk).update(site_ids=[north.pk, south.pk])
    caller, row = Caller(plain), refused()

    assert caller.post(f"{URL}/{row.pk}/accept").status_code == 400
    assert caller.post(f"{URL}/{row.pk}/accept", {"siteId": other.pk}).status_code == 400
    assert not ChargePoint.objects.exists()

    assert caller.post(f"{URL}/{row.pk}/accept", {"siteId": south.pk}).status_code == 200
    assert ChargePoint.objects.get().site == south


def test_the_service_refuses_what_the_page_does_not_offer(db: None) -> None:
    with pytest.raises(Conflict, match="Wrong password"):
        refused_connections.accept(refused(can_be_accepted=False, reason="Wrong password."), actor="ann")
