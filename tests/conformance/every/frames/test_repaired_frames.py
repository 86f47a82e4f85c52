"""Frames of tolerant stations that are repaired: calls, answers, and missing fields with one meaning."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.messages import deviations, event, new_transaction, start, stop
from tests.conformance.peer import V16, V201, Refused, at, station


async def answered(operator, peer, action, payload, answer):
    """The HTTP status, and the command with the answer of the station, as an API client gets them."""
    sent = asyncio.create_task(operator.command(peer.identity, action, payload))
    await peer.answer(await peer.next_call(), answer)
    return await sent


async def test_H4_11_an_answer_is_repaired_and_one_bad_key_does_not_lose_the_others(
    server, operator, records
):
    keys = [
        {"key": "HeartbeatInterval", "readonly": "false", "value": 60},
        {"readonly": True, "value": "no name"},
        {"key": "LocalPreAuthorize", "readonly": 1, "value": True},
    ]
    async with station(server) as peer:
        status, command = await answered(
            operator, peer, "GetConfiguration", {}, {"configurationKey": keys, "unknownKey": None}
        )
        identity = peer.identity

    assert (status, command["response"]) == (
        200,
        {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
                {"key": "LocalPreAuthorize", "readonly": True, "value": "true"},
            ]
        },
    )
    found = await deviations(records, identity)
    assert found["dropped-item"]["path"] == "configurationKey[1]"
    assert found["dropped-item"]["action"] == "GetConfiguration"
    assert {"text-for-boolean", "number-for-text", "number-for-boolean", "boolean-for-text"} <= set(found)


async def test_an_answer_of_2x_is_repaired_but_its_status_is_not(server, operator, records):
    result = {
        "attributeStatus": "Accepted", "attributeType": "ACTUAL", "attributeValue": 60,
        "component": {"name": "OCPPCommCtrlr", "evse": []}, "variable": {"name": "HeartbeatInterval"},
    }  # fmt: skip
    asked = {"getVariableData": [{"component": {"name": "a"}, "variable": {"name": "b"}}]}
    async with station(server, V201) as peer:
        status, command = await answered(operator, peer, "GetVariables", asked, {"getVariableResult": result})
        _, refused = await answered(operator, peer, "ClearCache", {}, {"status": "accepted"})

    repaired = {"attributeType": "Actual", "attributeValue": "60", "component": {"name": "OCPPCommCtrlr"}}
    assert (status, command["response"]) == (200, {"getVariableResult": [result | repaired]})
    assert refused["response"] == {"status": "accepted"}
    assert records.command(refused["requestId"])["state"] == "rejected"


async def test_A2_a_start_without_a_time_begins_at_its_receipt_and_is_flagged(server, records):
    begun = {key: value for key, value in start().items() if key != "timestamp"}
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", begun))["transactionId"]
        assert (await peer.call("StartTransaction", begun))["transactionId"] == number
        await peer.call("StopTransaction", {"transactionId": number, "meterStop": 1500})
        (row,) = records.of("transactions_transaction", peer.identity)
        # The same token may begin a later session at the same reading.
        again = (await peer.call("StartTransaction", begun))["transactionId"]
        identity = peer.identity

    assert (row["status"], row["energy_wh"], row["started_at"]) == ("ended", 500, row["start_received_at"])
    assert "clock-implausible" in row["suspect_reasons"]
    assert again != number
    assert (await deviations(records, identity))["missing-field"]["path"] == "timestamp"


async def test_A2_meter_values_without_a_connector_are_of_their_transaction(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(connector=2, minutes=-5)))["transactionId"]
        listed = [{"timestamp": at(), "sampledValue": [{"value": "1500"}]}]
        assert await peer.call("MeterValues", {"transactionId": number, "meterValue": listed}) == {}
        for others in ({}, {"transactionId": number + 1_000_000}):
            with pytest.raises(Refused) as refused:
                await peer.call("MeterValues", {**others, "meterValue": listed})
            assert refused.value.code == "OccurenceConstraintViolation"
        identity = peer.identity

    (row,) = records.meter_values(identity)
    assert (row["transaction_id"], row["evse_number"], row["value"]) == (number, 2, 1500)


async def test_A2_data_of_any_json_is_answered(server, version):
    async with station(server, version) as peer:
        for data in ({"a": [1]}, [1], 5, True, "text", None):
            answer = await peer.call("DataTransfer", {"vendorId": "v", "data": data})
            assert answer["status"] == "UnknownVendorId"


async def test_a_session_of_2x_with_a_fault_in_every_event_is_complete(server, records):
    transaction = new_transaction()
    async with station(server, V201) as peer:
        begun = event("started", transaction, "0", minutes=-5, trigger="cablepluggedin")
        begun["evse"] = [{"id": "1", "connectorId": 1.0}]
        begun |= {
            "offline": "false",
            "meterValue": {"sampledValue": {"value": "1000", "context": "transaction.begin"}},
        }
        await peer.call("TransactionEvent", begun)
        ended = event("Ended", transaction, 1.0, reservationId="", idToken=None)
        del ended["timestamp"]
        ended["meterValue"] = [
            {
                "timestamp": at(),
                "sampledValue": [{"value": "x"}, {"value": 1500.0, "context": "Transaction.End"}],
            }
        ]
        assert await peer.call("TransactionEvent", ended) == {}
        identity = peer.identity

    (row,) = records.of("transactions_transaction", identity)
    assert (row["status"], row["energy_wh"], row["evse_number"]) == ("ended", 500, 1)
    found = set(await deviations(records, identity))
    assert {
        "wrong-case", "text-for-number", "list-for-value", "float-for-integer", "text-for-boolean",
        "object-for-list", "missing-field", "empty-text", "null-property", "dropped-item",
    } <= found  # fmt: skip


async def test_a_strict_station_gets_an_error_for_what_would_be_repaired(server, operator):
    async with station(server, V16) as peer:
        await operator.change(peer.identity, validation="strict")
        number = (await peer.call("StartTransaction", start(minutes=-5)))["transactionId"]
        for payload, code in (
            (stop(number, meter=5000.5), "TypeConstraintViolation"),
            (stop(number, reason="local"), "PropertyConstraintViolation"),
            ({"transactionId": number, "meterStop": 5000}, "OccurenceConstraintViolation"),
        ):
            with pytest.raises(Refused) as refused:
                await peer.call("StopTransaction", payload)
            assert refused.value.code == code
