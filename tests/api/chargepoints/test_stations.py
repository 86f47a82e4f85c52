"""Stations over REST: list, detail, status, connectors, provisioning."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.utils import timezone

from chargepoints.models import ChargePoint, Command, Connector, Evse
from configuration.models import StoredKey
from events.models import Event
from tests.api.conftest import Caller
from transactions.models import Transaction

GARAGE = "/api/v1/chargepoints/GARAGE%201"


def test_the_list_shows_stations_with_count_and_total(viewer: Caller, garage: ChargePoint) -> None:
    for number in range(3):
        ChargePoint.objects.create(identity=f"CP{number}")

    response = viewer.get("/api/v1/chargepoints?limit=2&offset=1")

    assert response.status_code == 200
    assert (response.info["count"], response.info["total"]) == (2, 4)
    assert [row["clientId"] for row in response.info["chargePoints"]] == ["CP1", "CP2"]


def test_a_station_is_shown_with_its_documented_fields(viewer: Caller, garage: ChargePoint) -> None:
    row = viewer.get("/api/v1/chargepoints?search=garage").info["chargePoints"][0]

    assert row["clientId"] == "GARAGE 1"
    assert row["isOnline"] is False
    assert row["lastSeen"] == "2026-05-04T12:00:00.000Z"
    assert (row["vendor"], row["model"], row["firmwareVersion"]) == ("Acme", "Wall 11", "1.2.3")
    assert row["ocppVersion"] == "1.6"
    assert row["registrationStatus"] == "Accepted"
    assert row["configuration"]["HeartbeatInterval"] == "300"
    assert row["configuration"]["NumberOfConnectors"] == "2"
    assert "AuthorizationKey" not in row["configuration"]


def test_the_state_of_a_station_is_its_worst_connectors(viewer: Caller, garage: ChargePoint) -> None:
    ChargePoint.objects.update(is_online=True, status="Available")
    Connector.objects.filter(number=1).update(status="Faulted")

    row = viewer.get("/api/v1/chargepoints?state=Faulted").info["chargePoints"][0]

    total = garage.connectors.count()
    assert row["state"] == {"status": "Faulted", "count": 1, "total": total}
    assert row["status"] == "Available"  # of the station as a whole
    assert viewer.get("/api/v1/chargepoints?state=Charging").info["total"] == 0
    assert viewer.get(f"{GARAGE}/status").info["state"] == row["state"]


def test_the_list_shows_the_stations_own_stored_values(viewer: Caller, garage: ChargePoint) -> None:
    StoredKey.objects.create(charge_point=garage, key="HeartbeatInterval", value="60")

    row = viewer.get("/api/v1/chargepoints").info["chargePoints"][0]

    assert row["configuration"]["HeartbeatInterval"] == "60"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("isOnline=true", ["B"]),
        ("isOnline=false", ["A", "GARAGE 1"]),
        ("hasBooted=false", ["A", "GARAGE 1"]),
        ("hasBooted=true", ["B"]),
        ("registrationStatus=Accepted", ["GARAGE 1"]),
        ("ocppVersion=2.0.1", ["B"]),
        ("vendor=Acme", ["GARAGE 1"]),
        ("search=wall", ["GARAGE 1"]),
        ("ordering=-clientId", ["GARAGE 1", "B", "A"]),
        ("ordering=clientId", ["A", "B", "GARAGE 1"]),
        ("offset=99", []),
    ],
)
def test_the_list_is_filtered_searched_and_sorted(
    viewer: Caller, garage: ChargePoint, query: str, found: list[str]
) -> None:
    ChargePoint.objects.create(identity="A")
    ChargePoint.objects.create(
        identity="B", is_online=True, ocpp_version="ocpp2.0.1", last_boot_at=timezone.now()
    )

    response = viewer.get(f"/api/v1/chargepoints?{query}")

    assert [row["clientId"] for row in response.info["chargePoints"]] == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999999", "offset"),
        ("ordering=password_hash", "ordering"),
        ("ordering=-password_hash", "ordering"),
        ("isOnline=maybe", "isOnline"),
        ("search=%00", "search"),
        ("vendor__startswith=A", "vendor__startswith"),
        ("password_hash=x", "password_hash"),
    ],
)
def test_a_parameter_outside_of_the_lists_is_400_by_name(viewer: Caller, query: str, field: str) -> None:
    response = viewer.get(f"/api/v1/chargepoints?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


def test_the_detail_has_connectors_with_their_transactions(viewer: Caller, session: Transaction) -> None:
    connectors = viewer.get(GARAGE).info["connectors"]

    assert [(row["connectorId"], row["evseId"], row["status"]) for row in connectors] == [
        (1, 1, "Charging"),
        (2, 2, "Available"),
    ]
    assert connectors[0]["transaction"]["transactionId"] == 1000
    assert connectors[0]["transaction"]["idTag"] == "ALICE-CARD"
    assert connectors[0]["transaction"]["energyWh"] == 900
    assert connectors[0]["lastUpdate"] == "2026-05-04T12:00:00.000Z"
    assert connectors[1]["transaction"] is None


def test_the_status_of_an_offline_station(viewer: Caller, garage: ChargePoint) -> None:
    response = viewer.get(f"{GARAGE}/status")

    assert response.info["clientId"] == "GARAGE 1"
    assert response.info["online"] is response.info["isOnline"] is False
    assert response.info["status"] == "Offline"
    assert len(response.info["connectors"]) == 2


def test_connectors_are_listed_and_read_one_by_one(viewer: Caller, garage: ChargePoint) -> None:
    listed = viewer.get(f"{GARAGE}/connectors")
    one = viewer.get(f"{GARAGE}/connectors/2")

    assert listed.info["count"] == 2
    assert one.info["connectorId"] == 2
    assert one.info["errorCode"] == "NoError"


@pytest.mark.parametrize(
    ("number", "status"),
    [("0", 400), ("-1", 400), ("one", 400), ("1.0", 400), ("9" * 30, 400), ("%C2%B2", 400), ("7", 404)],
)
def test_a_bad_connector_number_is_400_and_an_unknown_one_404(
    viewer: Caller, garage: ChargePoint, number: str, status: int
) -> None:
    assert viewer.get(f"{GARAGE}/connectors/{number}").status_code == status


@pytest.mark.parametrize(
    "suffix", ["", "/status", "/connectors", "/connectors/1", "/commands", "/messages", "/configuration"]
)
@pytest.mark.parametrize(
    "identity", ["NOBODY", "%00", "%2e%2e", "a%2Fb", "%FF", "' OR 1=1 --", "%25", "x" * 500]
)
def test_a_station_that_was_never_seen_is_404(
    viewer: Caller, garage: ChargePoint, identity: str, suffix: str
) -> None:
    assert viewer.get(f"/api/v1/chargepoints/{identity}{suffix}").status_code == 404


@pytest.mark.parametrize(
    "identity", ["RDAM 123", "RDAM|123", "Ladesäule-Süd", "a%2Fb is text", "ÇP?&#1", "+1"]
)
def test_any_identity_is_reached_url_escaped_and_without_case(
    administrator: Caller, garage: ChargePoint, identity: str
) -> None:
    ChargePoint.objects.create(identity=identity)

    response = administrator.get(f"/api/v1/chargepoints/{quote(identity.swapcase(), safe='')}")

    assert response.status_code == 200
    assert response.info["clientId"] == identity


# -- provisioning --------------------------------------------------------------------------------------------


def test_a_station_is_added_before_it_connects(administrator: Caller) -> None:
    body = {"clientId": "NEW-1", "password": "correct horse battery", "validation": "strict"}

    response = administrator.post("/api/v1/chargepoints", body)

    assert response.status_code == 201
    assert response.info["clientId"] == "NEW-1"
    assert response.info["registrationStatus"] == "Accepted"
    assert response.info["securityProfile"] == 1
    assert response.info["hasPassword"] is True
    assert "correct horse" not in response.content.decode()
    station = ChargePoint.objects.get(identity="NEW-1")
    assert station.validation == "strict"
    assert "correct horse" not in station.password_hash


def test_an_identity_that_exists_is_409_in_any_case(administrator: Caller, garage: ChargePoint) -> None:
    assert administrator.post("/api/v1/chargepoints", {"clientId": "garage 1"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "clientId"),
        ({"clientId": ""}, "clientId"),
        ({"clientId": " A"}, "clientId"),
        ({"clientId": "a/b"}, "clientId"),
        ({"clientId": ".."}, "clientId"),
        ({"clientId": "a:b"}, "clientId"),
        ({"clientId": "a\nb"}, "clientId"),
        ({"clientId": "a" * 49}, "clientId"),
        ({"clientId": 7}, "clientId"),
        ({"clientId": None}, "clientId"),
        ({"clientId": "A", "password": "short"}, "password"),
        ({"clientId": "A", "securityProfile": 1}, "password"),
        ({"clientId": "A", "securityProfile": 4}, "securityProfile"),
        ({"clientId": "A", "securityProfile": True}, "securityProfile"),
        ({"clientId": "A", "registrationStatus": "accepted"}, "registrationStatus"),
        ({"clientId": "A", "validation": "off"}, "validation"),
        ({"clientId": "A", "assumedTimezone": "Mars/Olympus"}, "assumedTimezone"),
        ({"clientId": "A", "passwordHash": "x"}, "passwordHash"),
        ({"clientId": "A", "isOnline": True}, "isOnline"),
    ],
)
def test_an_invalid_station_is_400_with_field_and_reason(
    administrator: Caller, body: dict[str, Any], field: str
) -> None:
    response = administrator.post("/api/v1/chargepoints", body)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]
    assert response.info["errors"][0]["reason"]
    assert not ChargePoint.objects.exists()


def test_a_pending_station_is_accepted_by_patch(administrator: Caller) -> None:
    station = ChargePoint.objects.create(identity="WAITING", registration_status="Pending", vendor="Acme")

    response = administrator.patch("/api/v1/chargepoints/waiting", {"registrationStatus": "Accepted"})

    assert response.status_code == 200
    assert response.info["registrationStatus"] == "Accepted"
    station.refresh_from_db()
    assert station.vendor == "Acme"


def test_a_password_is_set_and_removed_by_patch(administrator: Caller, garage: ChargePoint) -> None:
    with_password = administrator.patch(GARAGE, {"password": "0123456789abcdef", "securityProfile": 1})
    profile_without = administrator.patch(GARAGE, {"password": ""})
    without = administrator.patch(GARAGE, {"password": "", "securityProfile": 0})

    assert with_password.info["hasPassword"] is True
    assert profile_without.status_code == 400
    assert without.info["hasPassword"] is False


def test_a_station_cannot_be_renamed(administrator: Caller, garage: ChargePoint) -> None:
    assert administrator.patch(GARAGE, {"clientId": "OTHER"}).status_code == 400


def test_a_station_that_never_charged_is_removed_with_its_logs(
    administrator: Caller, garage: ChargePoint, history: Command
) -> None:
    response = administrator.delete(GARAGE)

    assert response.status_code == 200
    assert administrator.get(GARAGE).status_code == 404
    assert not Evse.objects.exists()


def test_a_station_with_transactions_is_kept(administrator: Caller, session: Transaction) -> None:
    response = administrator.delete(GARAGE)

    assert response.status_code == 409
    assert "transactions" in response.answer["message"]
    assert ChargePoint.objects.exists()


def test_events_name_who_changed_and_deleted_a_station(administrator: Caller, garage: ChargePoint) -> None:
    path = f"/api/v1/chargepoints/{garage.identity}"
    assert administrator.patch(path, {"name": "Depot"}).status_code == 200
    assert administrator.delete(path).status_code == 200

    found = {each.type: orjson.loads(each.data) for each in Event.objects.order_by("pk")}

    actor = found["station.updated"]["actor"]
    assert actor.startswith("key ")
    assert found["station.updated"] == {"changed": ["name"], "actor": actor}
    assert found["station.deleted"]["actor"] == actor
