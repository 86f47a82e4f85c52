"""Test keys, and requests about virtual stations that no process has to run."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import ApiKey
from chargepoints.models import ChargePoint, RefusedConnection, Site
from ocpp_server import sites
from sandbox.models import Step, VirtualStation
from sandbox.services import steps
from tests.api.conftest import NOON, Caller

KEYS, STATIONS = "/api/v1/api-keys", "/api/v1/sandbox/stations"


@pytest.fixture(autouse=True)
def sandbox(settings: Settings) -> None:
    settings.SANDBOX_STATIONS = 2


@pytest.fixture
def ci(administrator: Caller) -> Caller:
    response = administrator.post(KEYS, {"name": "CI", "role": "operator", "is_test": True})
    assert response.status_code == 201, response.answer
    return Caller(response.info["key"])


def test_a_test_key_has_the_test_site_alone(administrator: Caller, ci: Caller, garage: ChargePoint) -> None:
    made = ci.post(STATIONS, {"clientId": "TEST-1"})

    site = Site.objects.get(is_test=True)
    assert made.status_code == 201, made.answer
    assert made["Location"] == f"{STATIONS}/TEST-1"
    found = ci.get("/api/v1/chargepoints").info["chargePoints"]
    assert [(one["clientId"], one["siteId"]) for one in found] == [("TEST-1", site.pk)]
    assert ci.get("/api/v1/chargepoints/GARAGE%201").status_code == 404
    assert ci.post("/api/v1/chargepoints/GARAGE%201/reset").status_code == 404
    assert ci.patch("/api/v1/chargepoints/TEST-1", {"siteId": None}).status_code == 400
    assert ci.get("/api/v1/tokens").status_code == 403
    assert ci.post(KEYS, {"name": "more"}).status_code == 403
    (shown,) = ci.get("/api/v1/sites").info["sites"]
    assert (shown["name"], shown["isTest"]) == ("Sandbox", True)
    assert administrator.delete(f"/api/v1/sites/{site.pk}").status_code == 409


def test_a_test_key_reaches_no_real_charger_that_is_not_added_yet(ci: Caller, garage: ChargePoint) -> None:
    refused = RefusedConnection.objects.create(
        identity="GARAGE-7", path="/GARAGE-7", code=403, reason="Unknown.", can_be_accepted=True, at=NOON
    )

    assert ci.get("/api/v1/refused-connections").info["refusedConnections"] == []
    assert ci.post(f"/api/v1/refused-connections/{refused.pk}/accept").status_code == 404
    added = ci.post("/api/v1/chargepoints", {"clientId": "GARAGE-7"})
    assert (added.status_code, added.info["param"]) == (400, "clientId")
    assert ci.post("/api/v1/chargepoints", {"clientId": "test-garage"}).status_code == 201


def test_a_test_key_leaves_the_common_site_as_it_is(administrator: Caller, ci: Caller) -> None:
    (site,) = ci.get("/api/v1/sites").info["sites"]

    assert ci.patch(f"/api/v1/sites/{site['id']}", {"name": "Mine"}).status_code == 409
    assert administrator.patch(f"/api/v1/sites/{site['id']}", {"name": "Test"}).status_code == 200


def test_a_rolled_test_key_is_a_test_key(administrator: Caller) -> None:
    made = administrator.post(KEYS, {"name": "CI", "is_test": True}).info

    rolled = administrator.post(f"{KEYS}/{made['id']}/roll").info

    assert (rolled["is_test"], rolled["sites"]) == (True, made["sites"])
    assert ApiKey.objects.get(pk=rolled["id"]).is_test


def test_a_test_key_names_no_sites(administrator: Caller) -> None:
    site = Site.objects.create(name="Depot")

    response = administrator.post(KEYS, {"name": "CI", "is_test": True, "sites": [site.pk]})

    assert (response.status_code, response.info["param"]) == (400, "sites")


def test_a_key_of_another_site_gets_no_virtual_station(administrator: Caller, ci: Caller) -> None:
    site = Site.objects.create(name="Depot")
    key = administrator.post(KEYS, {"name": "depot", "role": "operator", "sites": [site.pk]}).info["key"]
    ci.post(STATIONS, {"clientId": "TEST-1"})

    assert Caller(key).get(STATIONS).info["stations"] == []
    assert Caller(key).get(f"{STATIONS}/TEST-1").status_code == 404
    assert Caller(key).post(STATIONS, {}).status_code == 400
    assert VirtualStation.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"clientId": "CP-7"}, "clientId"),
        ({"clientId": "TEST-" + "x" * 60}, "clientId"),
        ({"ocppVersion": "1.5"}, "ocppVersion"),
        ({"connectors": 5}, "connectors"),
        ({"speed": 0}, "speed"),
        ({"powerW": 1}, "powerW"),
        ({"password": "x"}, "password"),
    ],
)
def test_a_station_that_makes_no_sense_is_refused(ci: Caller, body: Any, field: str) -> None:
    response = ci.post(STATIONS, body)

    assert (response.status_code, response.info["param"]) == (400, field)
    assert not ChargePoint.objects.exists()


def test_their_number_is_bounded(ci: Caller) -> None:
    made = [ci.post(STATIONS, {}).info["clientId"] for _ in range(2)]

    response = ci.post(STATIONS, {})

    assert len(set(made)) == 2 and all(one.startswith(sites.TEST_PREFIX) for one in made)
    assert (response.status_code, response.info["code"]) == (409, "limit-reached")


def test_an_identity_that_exists(ci: Caller) -> None:
    ChargePoint.objects.create(identity="test-1")

    response = ci.post(STATIONS, {"clientId": "TEST-1"})

    assert (response.status_code, response.info["code"]) == (409, "duplicate")


def test_a_server_without_a_sandbox(ci: Caller, settings: Settings) -> None:
    ci.post(STATIONS, {"clientId": "TEST-1"})
    settings.SANDBOX_STATIONS = 0

    assert ci.post(STATIONS, {}).status_code == 422
    assert ci.post(f"{STATIONS}/TEST-1/plug").status_code == 422
    assert ci.delete(f"{STATIONS}/TEST-1").status_code == 200
    assert not ChargePoint.objects.exists()


def test_viewers_only_read(administrator: Caller, viewer: Caller, ci: Caller) -> None:
    ci.post(STATIONS, {"clientId": "TEST-1"})

    assert viewer.get(f"{STATIONS}/TEST-1").info["connectors"][0]["isPlugged"] is False
    assert viewer.post(STATIONS, {}).status_code == 403
    assert viewer.post(f"{STATIONS}/TEST-1/plug").status_code == 403
    assert viewer.delete(f"{STATIONS}/TEST-1").status_code == 403


@pytest.mark.parametrize(
    ("step", "body", "field"),
    [
        ("plug", {"connectorId": 2}, "connectorId"),
        ("tap", {}, "token"),
        ("tap", {"token": "x" * 21}, "token"),
        ("fail-next", {}, "answer"),
        ("fail-next", {"answer": "Sometimes"}, "answer"),
        ("fail-next", {"answer": "Rejected", "action": "Heartbeet"}, "action"),
        ("fail-next", {"answer": "Rejected", "action": "GetConfiguration"}, "answer"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(ci: Caller, step: str, body: Any, field: str) -> None:
    ci.post(STATIONS, {"clientId": "TEST-1"})

    response = ci.post(f"{STATIONS}/TEST-1/{step}", body)

    assert (response.status_code, response.info["param"]) == (400, field)
    assert not Step.objects.exists()


def test_a_step_that_no_process_takes_is_withdrawn(ci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "TAKEN_WITHIN_S", 0.0)
    ci.post(STATIONS, {"clientId": "TEST-1"})

    response = ci.post(f"{STATIONS}/TEST-1/plug")

    assert response.status_code == 409
    assert "no process of the server runs the sandbox" in response.answer["message"]
    assert not Step.objects.exists()
