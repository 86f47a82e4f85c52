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


async def test_TC_J_04_TC_J_11_signed_values_are_kept_byte_for_byte(server, records, version):
    signed = {
        "signedMeterData": "OCMF|" + "ä+/=" * 1000,
        "encodingMethod": "OCMF",
        "signingMethod": "",
        "publicKey": "",
    }
    if version == V21:
        signed = {"signedMeterData": signed["signedMeterData"], "encodingMethod": "OCMF"}
    sample = {"value": 1000.0, "signedMeterValue": signed, "context": "Transaction.Begin"}
    transaction = new_transaction()
    async with station(server, version) as peer:
        values = [{"timestamp": at(), "sampledValue": [sample]}]
        await peer.call("TransactionEvent", event("Started", transaction, 0, meterValue=values))

    (row,) = records.meter_values(peer.identity)
    assert json.loads(row["signed_data"]) == signed
    assert row["transaction_id"] == records.transaction(peer.identity)["id"]


async def test_J_the_multiplier_and_the_unit_are_applied(server, records, version):
    sample = {"value": 12.5, "unitOfMeasure": {"unit": "kWh", "multiplier": -1}}
    async with station(server, version) as peer:
        values = {"evseId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [sample]}]}
        await peer.call("MeterValues", values)

    (row,) = records.meter_values(peer.identity)
    assert (row["value"], row["unit"], row["raw"]) == (1250, "Wh", "12.5")
