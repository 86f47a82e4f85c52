"""Commands to offline stations, and the logs of commands and messages."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts.models import User
from chargepoints.models import ChargePoint, Command, Message
from chargepoints.views.commanding import CommandOperation
from chargepoints.views.commands import read_body
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.commanding import OperatorCommand
from ocpp_server.credentials import Role
from tests.api.conftest import NOON, Caller
from transactions.models import RemoteStart, Transaction

GARAGE = "/api/v1/chargepoints/GARAGE%201"
INTENTS: dict[str, dict[str, Any]] = {
    "commands": {"action": "Reset", "payload": {"type": "Soft"}},
    "trigger": {"requestedMessage": "Heartbeat"},
    "reset": {},
    "unlock": {"connectorId": 1},
    "availability": {"type": "Inoperative"},
    "clear-cache": {},
    "data-transfer": {"vendorId": "com.example", "data": {"any": "thing"}},
}


@pytest.mark.parametrize("name", INTENTS)
@pytest.mark.parametrize("query", ["", "?wait=false", "?wait=true"])
def test_a_command_to_a_station_that_is_offline_is_503_at_once(
    operator: Caller, garage: ChargePoint, name: str, query: str
) -> None:
    response = operator.post(f"{GARAGE}/{name}{query}", INTENTS[name])

    assert response.status_code == 503
    assert "offline" in response.answer["message"]
    assert not Command.objects.exists()


@pytest.mark.parametrize("name", INTENTS)
def test_a_command_to_a_station_that_was_never_seen_is_404(operator: Caller, name: str) -> None:
    assert operator.post(f"/api/v1/chargepoints/NOBODY/{name}", INTENTS[name]).status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("commands", {}, "action"),
        ("commands", {"action": 5}, "action"),
        ("commands", {"action": "Reset", "command": "ClearCache"}, "action"),
        ("commands", {"action": "Reset", "payload": []}, "payload"),
        ("commands", {"action": "Reset", "payload": {}, "type": "Soft"}, "type"),
        ("commands", {"action": "Reset", "timeout": 0}, "timeout"),
        ("commands", {"action": "Reset", "timeout": 121}, "timeout"),
        ("commands", {"action": "Reset", "timeout": "soon"}, "timeout"),
        ("commands", {"action": "Reset", "timeout": None}, "timeout"),
        ("trigger", {}, "requestedMessage"),
        ("trigger", {"requestedMessage": "Heartbeat", "connectorId": 0}, "connectorId"),
        ("trigger", {"requestedMessage": "Heartbeat", "connectorId": "one"}, "connectorId"),
        ("reset", {"type": "Gentle"}, "type"),
        ("unlock", {}, "connectorId"),
        ("unlock", {"connectorId": 0}, "connectorId"),
        ("availability", {"type": "Broken"}, "type"),
        ("availability", {"type": "Operative", "evse": 1}, "evse"),
        ("clear-cache", {"timeout": 1000}, "timeout"),
        ("data-transfer", {}, "vendorId"),
        ("reset", {"timeout": True}, "timeout"),
    ],
)
def test_an_invalid_body_is_400_with_field_and_reason(
    operator: Caller, garage: ChargePoint, name: str, body: dict[str, Any], field: str
) -> None:
    response = operator.post(f"{GARAGE}/{name}", body)

    assert response.status_code == 400
    assert field in [error["field"] for error in response.info["errors"]]


def test_an_unknown_trigger_is_400_and_lists_the_six(operator: Caller, garage: ChargePoint) -> None:
    response = operator.post(f"{GARAGE}/trigger", {"requestedMessage": "SignChargingStationCertificate"})

    assert response.status_code == 400
    assert response.info["errors"][0]["field"] == "requestedMessage"
    for name in (
        "StatusNotification",
        "Heartbeat",
        "MeterValues",
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
    ):
        assert name in response.answer["message"]


def test_a_2x_station_has_the_2x_triggers(operator: Caller, garage: ChargePoint) -> None:
    ChargePoint.objects.update(ocpp_version="ocpp2.0.1")

    known = operator.post(f"{GARAGE}/trigger", {"requestedMessage": "TransactionEvent"})
    unknown = operator.post(f"{GARAGE}/trigger", {"requestedMessage": "DiagnosticsStatusNotification"})

    assert known.status_code == 503
    assert unknown.status_code == 400
    assert "LogStatusNotification" in unknown.answer["message"]


@pytest.mark.parametrize("query", ["?wait=no", "?wait=", "?wait=false&colour=red"])
def test_an_invalid_wait_parameter_is_400(operator: Caller, garage: ChargePoint, query: str) -> None:
    assert operator.post(f"{GARAGE}/reset{query}", {}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"action": "RemoteStartTransaction", "payload": {"connectorId": 1, "idTag": "X"}},
        {"command": "RemoteStartTransaction", "payload": {"connectorId": 1, "idTag": "X"}},
        {"command": "RemoteStartTransaction", "connectorId": 1, "idTag": "X"},
        {
            "action": "RemoteStartTransaction",
            "command": "RemoteStartTransaction",
            "payload": {"connectorId": 1, "idTag": "X"},
        },
    ],
)
def test_all_spellings_of_a_command_mean_the_same(body: dict[str, Any]) -> None:
    assert read_body(body) == ("RemoteStartTransaction", {"connectorId": 1, "idTag": "X"}, None)
    assert read_body(body | {"timeout": 30})[2] == 30


@pytest.mark.parametrize(
    ("body", "payload"), [({"action": "ClearCache"}, {}), ({"command": "ClearCache"}, {})]
)
def test_a_command_may_have_no_payload(body: dict[str, Any], payload: dict[str, Any]) -> None:
    assert read_body(body) == ("ClearCache", payload, None)


# -- remote start and stop -----------------------------------------------------------------------------------

START = "/api/v1/transactions/remote-start"
STOP = "/api/v1/transactions/remote-stop"


def test_a_remote_start_at_a_station_that_is_offline_is_503(operator: Caller, garage: ChargePoint) -> None:
    response = operator.post(START, {"clientId": "garage 1", "idTag": "ALICE-CARD", "connectorId": 1})

    assert response.status_code == 503


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"idTag": "A"}, "clientId"),
        ({"clientId": "GARAGE 1"}, "idTag"),
        ({"clientId": "GARAGE 1", "idTag": ""}, "idTag"),
        ({"clientId": "GARAGE 1", "idTag": "A" * 37}, "idTag"),
        ({"clientId": "GARAGE 1", "idTag": "A", "connectorId": 0}, "connectorId"),
        ({"clientId": "GARAGE 1", "idTag": "A", "connectorId": -1}, "connectorId"),
    ],
)
def test_an_invalid_remote_start_is_400(
    operator: Caller, garage: ChargePoint, body: dict[str, Any], field: str
) -> None:
    response = operator.post(START, body)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


@pytest.mark.parametrize("reference", [1000, "1000"])
@pytest.mark.parametrize("place", [{}, {"clientId": "garage 1"}])
def test_a_remote_stop_finds_the_station_of_the_transaction(
    operator: Caller, session: Transaction, reference: Any, place: dict[str, str]
) -> None:
    assert operator.post(STOP, {"transactionId": reference, **place}).status_code == 503


@pytest.mark.parametrize(
    "body", [{"transactionId": 4711}, {"transactionId": "abc"}, {"transactionId": 1000, "clientId": "OTHER"}]
)
def test_a_remote_stop_of_an_unknown_transaction_is_404(
    operator: Caller, session: Transaction, body: dict[str, Any]
) -> None:
    ChargePoint.objects.create(identity="OTHER")

    assert operator.post(STOP, body).status_code == 404


@pytest.mark.parametrize("reference", [0, -1, 2**63, True, None, "", 1.5, [], "a" * 37])
def test_a_remote_stop_without_a_reference_is_400(
    operator: Caller, session: Transaction, reference: Any
) -> None:
    assert operator.post(STOP, {"transactionId": reference}).status_code == 400


def test_a_remote_stop_of_a_transaction_that_the_station_ended_is_409(
    operator: Caller, session: Transaction
) -> None:
    Transaction.objects.update(status="ended", ended_by="station")

    assert operator.post(STOP, {"transactionId": 1000}).status_code == 409


def test_an_abandoned_session_may_still_be_stopped(operator: Caller, session: Transaction) -> None:
    Transaction.objects.update(status="ended", ended_by="abandoned")

    assert operator.post(STOP, {"transactionId": 1000}).status_code == 503


def test_an_id_that_two_stations_use_needs_the_station(operator: Caller, session: Transaction) -> None:
    other = ChargePoint.objects.create(identity="OTHER", ocpp_version="ocpp2.0.1")
    for number, station in ((2000, session.charge_point), (2001, other)):
        Transaction.objects.create(
            id=number,
            ocpp_id="same",
            charge_point=station,
            started_at=NOON,
            start_received_at=NOON,
            last_message_at=NOON,
        )

    assert operator.post(STOP, {"transactionId": "same"}).status_code == 409
    assert operator.post(STOP, {"transactionId": "same", "clientId": "OTHER"}).status_code == 503


# -- the logs ------------------------------------------------------------------------------------------------


def test_the_command_log_has_actor_time_and_action_and_hides_secrets(
    viewer: Caller, history: Command
) -> None:
    response = viewer.get(f"{GARAGE}/commands")

    row = response.info["commands"][0]
    assert row["requestId"] == history.pk
    assert (row["action"], row["actor"], row["state"]) == ("GetConfiguration", "somebody", "accepted")
    assert row["payload"] == {"key": ["HeartbeatInterval"]}
    assert "00112233" not in response.content.decode()
    assert row["remoteStart"] is None


def test_the_detail_of_a_command_has_the_transaction_of_a_remote_start(
    viewer: Caller, history: Command, session: Transaction
) -> None:
    RemoteStart.objects.create(
        command=history,
        charge_point=history.charge_point,
        id_token="ALICE-CARD",
        outcome="started",
        transaction=session,
        created_at=NOON,
        expires_at=NOON,
    )

    response = viewer.get(f"{GARAGE}/commands/{history.pk}")

    assert response.info["remoteStart"] == {"outcome": "started", "transactionId": 1000}


def test_a_command_of_another_station_is_404(viewer: Caller, history: Command) -> None:
    ChargePoint.objects.create(identity="OTHER")

    assert viewer.get(f"/api/v1/chargepoints/OTHER/commands/{history.pk}").status_code == 404
    assert viewer.get(f"{GARAGE}/commands/unheard-of").status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=accepted", 1),
        ("state=timeout", 0),
        ("action=Reset", 0),
        ("actor=somebody", 1),
        ("from=2026-05-05T00:00:00Z", 0),
    ],
)
def test_the_command_log_is_filtered(viewer: Caller, history: Command, query: str, count: int) -> None:
    assert viewer.get(f"{GARAGE}/commands?{query}").info["total"] == count


def test_the_message_log_shows_both_directions_newest_first(viewer: Caller, history: Command) -> None:
    Message.objects.create(
        charge_point=history.charge_point,
        direction="in",
        message_id="7",
        action="Heartbeat",
        request="{}",
        response="not json",
        size=20,
        duration_ms=None,
        at=NOON.replace(hour=13),
    )

    rows = viewer.get(f"{GARAGE}/messages").info["messages"]

    assert [(row["direction"], row["action"]) for row in rows] == [
        ("in", "Heartbeat"),
        ("out", "GetConfiguration"),
    ]
    assert rows[0]["response"] == "not json"
    assert rows[1]["request"] == {"key": ["HeartbeatInterval"]}
    assert rows[1]["durationMs"] == 12.5


def test_messages_of_an_earlier_release_are_shown_and_masked(viewer: Caller, history: Command) -> None:
    Message.objects.create(
        charge_point=history.charge_point,
        direction="out",
        message_id="7",
        action="ChangeConfiguration",
        request_text='{"key":"AuthorizationKey","value":"hunter2hunter2"}',
        response_text='{"status":"Accepted"}',
        size=20,
        at=NOON.replace(hour=13),
    )

    row = viewer.get(f"{GARAGE}/messages").info["messages"][0]

    assert row["request"] == {"key": "AuthorizationKey", "value": "***"}
    assert row["response"] == {"status": "Accepted"}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("direction=in", 0),
        ("direction=out", 1),
        ("action=GetConfiguration", 1),
        ("to=2026-05-04T12:00:00Z", 0),
    ],
)
def test_the_message_log_is_filtered(viewer: Caller, history: Command, query: str, count: int) -> None:
    assert viewer.get(f"{GARAGE}/messages?{query}").info["total"] == count


# -- declarations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 403), ("administrator", 404)])
def test_a_command_needs_the_role_of_its_declaration(db: None, role: str, status: int) -> None:
    declared = OperatorCommand("erase", "Erase", "Erase everything.", action="Reset", role=Role.ADMINISTRATOR)

    class Declared(ResourceViewSet):
        tag, noun = "Commands", "station"
        operations = (CommandOperation(declared),)

    (made,) = Declared.get_extra_actions()
    view = Declared.as_view({"post": made.__name__}, **made.kwargs)
    request = APIRequestFactory().post("/erase", {}, format="json")
    force_authenticate(request, user=User(role=role))

    assert view(request, client_id="NOBODY").status_code == status
    assert (made.url_path, list(made.mapping)) == ("erase", ["post"])
