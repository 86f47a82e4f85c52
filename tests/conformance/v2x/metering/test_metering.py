"""Meter values of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import json

import pytest

from tests.conformance.messages import energy, event, new_transaction
from tests.conformance.peer import V21, at, station


@pytest.mark.parametrize("evse", [0, 1])
async def test_TC_J_01_meter_values_outside_a_transaction(server, records, version, evse):
    async with station(server, version) as peer:
        values = {"evseId": evse, "meterValue": energy(42.5, context="Sample.Clock")}
        assert await peer.call("MeterValues", values) == {}

    (row,) = records.meter_values(peer.identity)
    assert (row["value"], row["unit"], row["evse_number"], row["transaction_id"]) == (42.5, "Wh", evse, None)


@pytest.mark.parametrize("context", ["Sample.Clock", "Sample.Periodic"], ids=["TC_J_04", "TC_J_11"])
async def test_TC_J_04_TC_J_11_signed_values_are_kept_byte_for_byte(server, records, version, context):
    signed = {
        "signedMeterData": "OCMF|" + "ä+/=" * 1000,
        "encodingMethod": "OCMF",
        "signingMethod": "",
        "publicKey": "",
    }
    if version == V21:
        signed = {"signedMeterData": signed["signedMeterData"], "encodingMethod": "OCMF"}
    transaction = new_transaction()
    values = [
        {
            "timestamp": at(minutes),
            "sampledValue": [{"value": value, "signedMeterValue": signed, "context": word}],
        }
        for minutes, value, word in (
            (-2, 1000.0, context),
            (-1, 1500.0, context),
            (0, 2000.0, "Transaction.End"),
        )
    ]
    async with station(server, version) as peer:
        started = event(
            "Started", transaction, 0, minutes=-3, meterValue=energy(500, -3, "Transaction.Begin")
        )
        assert await peer.call("TransactionEvent", started) == {}
        ended = event("Ended", transaction, 1, trigger="EVCommunicationLost", state="Idle", meterValue=values)
        assert await peer.call("TransactionEvent", ended) == {}

    row = records.transaction(peer.identity)
    rows = [one for one in records.meter_values(peer.identity) if one["signed_data"]]
    assert [one["context"] for one in rows] == [context, context, "Transaction.End"]
    assert [json.loads(one["signed_data"]) for one in rows] == [signed] * 3
    assert {one["transaction_id"] for one in rows} == {row["id"]}
    assert (row["status"], row["energy_wh"]) == ("ended", 1500)


async def test_J_the_multiplier_and_the_unit_are_applied(server, records, version):
    sample = {"value": 12.5, "unitOfMeasure": {"unit": "kWh", "multiplier": -1}}
    async with station(server, version) as peer:
        values = {"evseId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [sample]}]}
        await peer.call("MeterValues", values)

    (row,) = records.meter_values(peer.identity)
    assert (row["value"], row["unit"], row["raw"]) == (1250, "Wh", "12.5")
