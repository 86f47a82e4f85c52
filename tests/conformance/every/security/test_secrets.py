"""S04: secrets reach their receiver and are nowhere stored, shown or logged on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.console import SECRET, Console, network_profile
from tests.conformance.peer import V16, V21, V201, Operator, Records, eventually, station
from tests.servers import LiveServer

VERSIONS_2X = (V201, V21)


@pytest.fixture(scope="module")
def console(server: LiveServer) -> Console:
    return Console(server)


@pytest.fixture
def nowhere(server: LiveServer, operator: Operator, console: Console) -> Callable[..., Any]:
    """Search all stored rows of a station, the pages, the API and the log for a secret."""

    async def look(identity: str) -> str:
        base = f"/api/v1/chargepoints/{identity}"
        lists = [await operator.request("GET", f"{base}{part}") for part in ("", "/messages", "/commands")]
        shown = json.dumps(lists) + await asyncio.to_thread(console.evidence, identity, server)
        stored = json.dumps(everything(server, identity))
        log = await asyncio.to_thread(server.log.read_text, "utf-8", "replace")
        assert SECRET not in shown
        assert SECRET not in stored
        assert SECRET not in log
        return stored

    return look


def everything(server: LiveServer, identity: str) -> list[Any]:
    """All rows of a station, of every table."""
    records = Records(server.database)
    tables = [
        row["name"]
        for row in records.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if any(
            column["name"] == "charge_point_id"
            for column in records.rows(f"PRAGMA table_info({row['name']})")
        )
    ]
    assert len(tables) > 10
    found: list[Any] = [records.of(table, identity, order="1") for table in tables]
    found.append(
        records.rows(
            "SELECT e.* FROM transactions_transactionevent e"
            " JOIN transactions_transaction t ON t.id = e.transaction_id"
            " JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id WHERE c.identity_key = ?",
            identity.casefold(),
        )
    )
    found.append(records.rows("SELECT * FROM accounts_idempotentrequest"))
    return found


async def commanded(
    operator: Operator, peer: Any, action: str, payload: dict[str, Any], answer: Any
) -> tuple[list[Any], int, dict[str, Any]]:
    """Send a command that the station answers by `answer`: a payload, or the rest of a CALLERROR.

    Returns the call that the station got, and the HTTP status and `data` of the command.
    """
    sent = asyncio.create_task(operator.command(peer.identity, action, payload))
    call = await peer.next_call()
    if isinstance(answer, list):
        await peer.send([4, call[1], *answer])
    else:
        await peer.answer(call, answer)
    status, data = await sent
    return call, status, data


@pytest.mark.parametrize("version", VERSIONS_2X)
async def test_S04_the_secrets_of_a_network_profile_reach_the_station_alone(
    server, operator, records, nowhere, version
):
    profile = network_profile(version)
    async with station(server, version) as peer:
        call, status, data = await commanded(
            operator,
            peer,
            "SetNetworkProfile",
            profile,
            {"status": "Rejected", "statusInfo": {"reasonCode": "Bad", "additionalInfo": f"{SECRET}: no"}},
        )

    assert call[3] == profile
    assert status == 200
    assert data["response"]["statusInfo"]["additionalInfo"] == "***: no"
    (row,) = records.commands(peer.identity)
    connection = json.loads(row["payload"])["connectionData"]
    assert connection["ocppCsmsUrl"] == "wss://***@example.com/ocpp"
    assert connection["vpn"] == {
        "server": "vpn.example.com",
        "user": "u",
        "password": "***",
        "key": "***",
        "type": "IKEv2",
    }
    assert connection["apn"]["simPin"] == "***"
    await nowhere(peer.identity)


async def test_S04_the_answer_to_a_repeated_request_holds_no_secret_and_another_secret_is_another_request(
    server, operator, nowhere
):
    body = {"action": "SetNetworkProfile", "payload": network_profile(V201)}
    async with station(server, V201) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/commands"

        def ask(content: Any) -> tuple[int, dict[str, str], Any]:
            return server.exchange("POST", path, content, **{"Idempotency-Key": f"key-{peer.identity}"})

        asking = asyncio.create_task(asyncio.to_thread(ask, body))
        await peer.answer(await peer.next_call(), {"status": "Accepted", "customData": {"vendorId": SECRET}})
        status, _, first = await asking
        again, headers, second = await asyncio.to_thread(ask, body)
        other = json.loads(json.dumps(body).replace(SECRET, "k-another-secret"))
        conflict, _, _ = await asyncio.to_thread(ask, other)

    assert (status, again, conflict) == (200, 200, 409)
    assert headers["idempotent-replayed"] == "true"
    assert first == second
    assert SECRET not in json.dumps([first, second])
    await nowhere(peer.identity)


async def test_S04_a_vendors_keys_of_1_6_are_read_and_written_and_not_kept(
    server, operator, records, nowhere
):
    async with station(server, V16) as peer:
        call, _, _ = await commanded(
            operator, peer, "ChangeConfiguration", {"key": "WifiPSK", "value": SECRET}, {"status": "Accepted"}
        )
        keys = [
            {"key": "WifiPSK", "readonly": False, "value": SECRET},
            {"key": "Wifi_SSID", "readonly": False, "value": "Garage"},
            {"key": "BackendUrl", "readonly": False, "value": f"ws://u:{SECRET}@example.com"},
        ]
        _, _, data = await commanded(operator, peer, "GetConfiguration", {}, {"configurationKey": keys})
        asking = asyncio.create_task(
            operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/configuration/live")
        )
        await peer.answer(await peer.next_call(), {"configurationKey": keys})
        _, live = await asking

    assert call[3]["value"] == SECRET
    assert [key["value"] for key in data["response"]["configurationKey"]] == [
        "***",
        "Garage",
        "ws://***@example.com",
    ]
    assert live["data"]["configuration"]["WifiPSK"]["value"] == "***"
    assert SECRET not in json.dumps([data, live])
    reported = {row["key"]: row["value"] for row in records.of("configuration_reportedkey", peer.identity)}
    assert reported == {"Wifi_SSID": "Garage", "BackendUrl": "ws://***@example.com"}
    await nowhere(peer.identity)


@pytest.mark.parametrize("version", VERSIONS_2X)
async def test_S04_a_vendors_variables_of_2x_are_read_and_reported_and_not_kept(
    server, operator, records, nowhere, version
):
    secret = {"component": {"name": "WifiCtrlr"}, "variable": {"name": "Passphrase"}}
    other = {"component": {"name": "WifiCtrlr"}, "variable": {"name": "Ssid"}}
    report = {
        "requestId": 1,
        "generatedAt": "2026-05-04T12:00:00Z",
        "seqNo": 0,
        "reportData": [
            {**secret, "variableAttribute": [{"value": SECRET}]},
            {**other, "variableAttribute": [{"value": "Garage"}]},
        ],
    }
    event = {
        "eventId": 1,
        "timestamp": "2026-05-04T12:00:00Z",
        "trigger": "Delta",
        "actualValue": SECRET,
        "techInfo": f"now {SECRET}",
        "eventNotificationType": "CustomMonitor",
        **secret,
    }
    async with station(server, version) as peer:
        results = [
            {"attributeStatus": "Accepted", "attributeValue": SECRET, **secret},
            {"attributeStatus": "Accepted", "attributeValue": "Garage", **other},
        ]
        _, _, data = await commanded(
            operator,
            peer,
            "GetVariables",
            {"getVariableData": [secret, other]},
            {"getVariableResult": results},
        )
        await peer.exchange("NotifyReport", report)  # the log keeps it, whether it is served or not
        await peer.call(
            "NotifyEvent", {"generatedAt": "2026-05-04T12:00:00Z", "seqNo": 0, "eventData": [event]}
        )
        await peer.call(
            "SecurityEventNotification",
            {"type": "X", "timestamp": "2026-05-04T12:00:00Z", "techInfo": f"login with password={SECRET}"},
        )

    assert [result["attributeValue"] for result in data["response"]["getVariableResult"]] == ["***", "Garage"]
    reported = {row["key"]: row["value"] for row in records.of("configuration_reportedkey", peer.identity)}
    assert reported == {"WifiCtrlr.Ssid": "Garage"}
    stored = await nowhere(peer.identity)
    assert "Garage" in stored


async def test_S04_data_from_and_to_a_vendor_is_masked_inside_of_its_texts(
    server, operator, records, nowhere, version
):
    nested = json.dumps({"wifi": json.dumps({"ssid": "Garage", "psk": SECRET})})
    async with station(server, version) as peer:
        call, _, data = await commanded(
            operator,
            peer,
            "DataTransfer",
            {"vendorId": "com.example", "data": nested},
            {"status": "Accepted", "data": f"ssid=Garage&password={SECRET}"},
        )
        await peer.call("DataTransfer", {"vendorId": "com.example", "data": nested})
        await peer.call("DataTransfer", {"vendorId": "com.example", "data": f"the password is {SECRET}"})

    assert json.loads(json.loads(call[3]["data"])["wifi"])["psk"] == SECRET
    assert data["response"]["data"] == "ssid=Garage&password=***"
    requests = [
        json.loads(row["request"])["data"] for row in records.of("chargepoints_message", peer.identity)[1:]
    ]
    assert requests[2] == "***"
    for request in requests[:2]:
        assert json.loads(json.loads(request)["wifi"]) == {"ssid": "Garage", "psk": "***"}
    await nowhere(peer.identity)


async def test_S04_errors_late_and_broken_answers_do_not_repeat_a_secret(server, operator, nowhere):
    async with station(server, V16) as peer:
        change = {"key": "WifiPSK", "value": SECRET}
        _, status, data = await commanded(
            operator,
            peer,
            "ChangeConfiguration",
            change,
            [
                "InternalError",
                f"{SECRET} is too long",
                {"key": "WifiPSK", "value": SECRET, "why": f"not {SECRET}"},
            ],
        )
        _, broken, more = await commanded(
            operator, peer, "ChangeConfiguration", change, {"status": SECRET, "psk": SECRET}
        )
        late = await operator.submit(peer.identity, "ChangeConfiguration", change, timeout=1)
        call = await peer.next_call()
        await eventually(lambda: Records(server.database).command(late)["state"] == "timeout")
        await peer.answer(call, {"status": "Accepted", "psk": SECRET})
        await eventually(lambda: Records(server.database).command(late)["state"] == "late")

    assert (status, broken) == (502, 200)
    assert data["description"] == "*** is too long"
    assert data["details"] == {"key": "WifiPSK", "value": "***", "why": "not ***"}
    assert SECRET not in json.dumps([data, more])
    await nowhere(peer.identity)


async def test_S04_the_example_of_a_deviation_and_the_events_of_a_session_hold_no_secret(
    server, records, nowhere
):
    vendors = {"vendorId": "com.example", "wifi": {"psk": SECRET}}
    async with station(server, V201) as peer:
        event = {
            "eventType": "Started",
            "timestamp": "2026-05-04T12:00:00Z",
            "triggerReason": "CablePluggedIn",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "t1"},
            "evse": {"id": 1, "connectorId": 1},
            "customData": vendors,
        }
        await peer.call("TransactionEvent", event)
        # The same number with other content is quarantined, and counted with its frame as an example.
        await peer.call("TransactionEvent", {**event, "triggerReason": "Authorized", "wifiPassword": SECRET})
        await peer.call("Heartbeat", {"apiKey": SECRET})

    def examples() -> list[str]:
        rows = records.of("chargepoints_deviation", peer.identity)
        found = {row["kind"]: row["example"] for row in rows}
        return [found[kind] for kind in ("extra-property", "conflicting-event") if kind in found]

    found = await eventually(lambda: examples() if len(examples()) == 2 else None)
    assert all('"***"' in example for example in found)
    (kept,) = records.quarantined(peer.identity)
    assert json.loads(kept["payload"])["customData"] == {"vendorId": "com.example", "wifi": {"psk": "***"}}
    await nowhere(peer.identity)
