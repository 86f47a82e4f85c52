"""Triggers of OCPP 2.x (F06); the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import Operator, Peer, Records, at, boot_payload, station
from tests.servers import LiveServer

METER_VALUES = {"meterValue": [{"timestamp": at(), "sampledValue": [{"value": 1.0, "context": "Trigger"}]}]}
STATUS = {"connectorId": 1, "connectorStatus": "Available", "timestamp": at()}
STATE = {
    "generatedAt": at(),
    "seqNo": 0,
    "eventData": [
        {
            "eventId": 1,
            "timestamp": at(),
            "trigger": "Delta",
            "actualValue": "Available",
            "eventNotificationType": "HardWiredNotification",
            "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
            "variable": {"name": "AvailabilityState"},
        }
    ],
}


async def trigger(
    operator: Operator, peer: Peer, word: str = "Accepted", **body: Any
) -> tuple[int, dict[str, Any], list[Any]]:
    """The operator's HTTP status and answer, and the CALL that the station has got."""
    path = f"/api/v1/chargepoints/{peer.identity}/trigger"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await peer.next_call()
    await peer.answer(call, {"status": word})
    return (*await sent, call)


@pytest.mark.parametrize(
    ("name", "place", "other", "message"),
    [
        pytest.param("BootNotification", {}, (), ("BootNotification", {}), id="boot"),
        pytest.param("Heartbeat", {}, (), ("Heartbeat", {}), id="TC_F_20"),
        pytest.param(
            "MeterValues",
            {"connectorId": 1},
            ("MeterValues", {"evseId": 2, **METER_VALUES}),
            ("MeterValues", {"evseId": 1, **METER_VALUES}),
            id="TC_F_11",
        ),
        pytest.param("MeterValues", {}, (), ("MeterValues", {"evseId": 2, **METER_VALUES}), id="TC_F_12"),
        pytest.param(
            "LogStatusNotification", {}, (), ("LogStatusNotification", {"status": "Idle"}), id="TC_F_15"
        ),
        pytest.param(
            "FirmwareStatusNotification",
            {},
            ("LogStatusNotification", {"status": "Idle"}),
            ("FirmwareStatusNotification", {"status": "Idle"}),
            id="TC_F_18",
        ),
        pytest.param(
            "StatusNotification",
            {"connectorId": 1},
            ("StatusNotification", {"evseId": 2, **STATUS}),
            ("StatusNotification", {"evseId": 1, **STATUS}),
            id="TC_F_23",
        ),
        pytest.param(
            "StatusNotification", {"connectorId": 1}, (), ("NotifyEvent", STATE), id="TC_F_23 by NotifyEvent"
        ),
    ],
)
async def test_TC_F_11_TC_F_12_TC_F_15_TC_F_18_TC_F_20_TC_F_23_the_message_ends_a_trigger(
    server: LiveServer,
    operator: Operator,
    records: Records,
    version: str,
    *,
    name: str,
    place: dict[str, int],
    other: Any,
    message: Any,
) -> None:
    async with station(server, version) as peer:
        code, said, call = await trigger(operator, peer, requestedMessage=name, **place)
        if other:
            await peer.call(*other)
        before = records.command(call[1])["effect"]
        action, payload = message
        await peer.call(action, boot_payload(version) if action == "BootNotification" else payload)

    assert (code, said["data"]["status"], before) == (200, "Accepted", "waiting")
    assert call[2] == "TriggerMessage" and call[3]["requestedMessage"] == name
    assert call[3].get("evse", {}).get("id") == place.get("connectorId")  # F06.FR.13
    assert records.command(call[1])["effect"] == "seen"


async def test_TC_F_13_only_an_event_that_was_triggered_is_the_requested_one(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        code, said, call = await trigger(operator, peer, requestedMessage="TransactionEvent", connectorId=1)
        await peer.call("TransactionEvent", event("Updated", transaction, 1, trigger="MeterValuePeriodic"))
        before = records.command(call[1])["effect"]
        triggered = event("Updated", transaction, 2, trigger="Trigger")
        assert await peer.call("TransactionEvent", triggered) == {}

    assert (code, said["data"]["status"], before) == (200, "Accepted", "waiting")
    assert (call[3]["requestedMessage"], call[3]["evse"]["id"]) == ("TransactionEvent", 1)
    assert records.command(call[1])["effect"] == "seen"


async def test_TC_F_14_the_sessions_of_all_evses(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        running = {evse: new_transaction() for evse in (1, 2)}
        for evse, transaction in running.items():
            await peer.call("TransactionEvent", event("Started", transaction, 0, evse=evse))
        _, _, call = await trigger(operator, peer, requestedMessage="TransactionEvent")
        for evse, transaction in running.items():
            again = event("Updated", transaction, 1, evse=evse, trigger="Trigger")
            assert await peer.call("TransactionEvent", again) == {}

    assert call[3] == {"requestedMessage": "TransactionEvent"}
    assert records.command(call[1])["effect"] == "seen"
    assert [row["last_seq_no"] for row in records.transactions(peer.identity)] == [1, 1]


async def test_TC_F_24_the_status_of_an_occupied_connector(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        _, _, call = await trigger(operator, peer, requestedMessage="StatusNotification", connectorId=1)
        report = STATUS | {"evseId": 1, "connectorStatus": "Occupied"}
        assert await peer.call("StatusNotification", report) == {}

    assert call[3]["evse"]["id"] == 1
    (row,) = records.of("chargepoints_connector", peer.identity)
    assert (row["status"], records.command(call[1])["effect"]) == ("Occupied", "seen")


async def test_TC_F_27_not_implemented_is_remembered(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    async with station(server, version) as peer:
        body = {"requestedMessage": "Heartbeat"}
        code, answer, call = await trigger(operator, peer, "NotImplemented", **body)
        assert (code, answer["data"]["status"]) == (200, "NotImplemented")
        assert call[2:] == ["TriggerMessage", body]
        row = records.command(call[1])
        assert (row["state"], row["status"], row["effect"]) == ("rejected", "NotImplemented", "")

        path = f"/api/v1/chargepoints/{peer.identity}/trigger"
        code, answer = await operator.request("POST", path, body)
        assert (code, answer["data"]["code"]) == (409, "not-supported")
        assert len(records.commands(peer.identity)) == 1
        assert (await trigger(operator, peer, **body, force=True))[0] == 200


async def test_extended_triggers_are_of_1_6_alone(
    server: LiveServer, operator: Operator, version: str
) -> None:
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/trigger"
        body = {"requestedMessage": "Heartbeat", "extended": True}
        code, answer = await operator.request("POST", path, body)

    assert code == 400 and "has no ExtendedTriggerMessage" in str(answer)
