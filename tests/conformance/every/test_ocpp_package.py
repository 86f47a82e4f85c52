"""An independent client: the station of the `ocpp` package boots, charges and stops."""

from __future__ import annotations

import asyncio

import pytest
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call as call16
from ocpp.v21 import ChargePoint as ChargePoint21
from ocpp.v21 import call as call21
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call as call201

from tests.conformance.conftest import ALICE
from tests.conformance.messages import (
    new_transaction,
)
from tests.conformance.peer import V16, V21, V201, at, station

_CLIENTS = {V16: (ChargePoint16, call16), V201: (ChargePoint201, call201), V21: (ChargePoint21, call21)}


def _session_of(version, calls):
    """The messages from boot to stop as classes of the library; each step reads the answers before it."""
    if version == V16:
        yield lambda _: calls.BootNotification(charge_point_model="M", charge_point_vendor="V")
        yield lambda _: calls.StatusNotification(connector_id=1, error_code="NoError", status="Available")
        yield lambda _: calls.Heartbeat()
        yield lambda _: calls.Authorize(id_tag=ALICE)
        yield lambda _: calls.StartTransaction(
            connector_id=1, id_tag=ALICE, meter_start=100, timestamp=at(-30)
        )
        yield lambda seen: calls.MeterValues(
            connector_id=1,
            transaction_id=seen[4].transaction_id,
            meter_value=[{"timestamp": at(-10), "sampled_value": [{"value": "600"}]}],
        )
        yield lambda seen: calls.StopTransaction(
            meter_stop=1100, timestamp=at(), transaction_id=seen[4].transaction_id
        )
        return
    id_token, evse = {"id_token": ALICE, "type": "ISO14443"}, {"id": 1, "connector_id": 1}
    transaction = new_transaction()

    def transaction_event(kind, seq_no, reading, minutes, **more):
        return calls.TransactionEvent(
            event_type=kind,
            timestamp=at(minutes),
            trigger_reason="Authorized",
            seq_no=seq_no,
            transaction_info={"transaction_id": transaction},
            meter_value=[{"timestamp": at(minutes), "sampled_value": [{"value": reading}]}],
            evse=evse,
            **more,
        )

    yield lambda _: calls.BootNotification(
        charging_station={"model": "M", "vendor_name": "V"}, reason="PowerUp"
    )
    yield lambda _: calls.StatusNotification(
        timestamp=at(), connector_status="Available", evse_id=1, connector_id=1
    )
    yield lambda _: calls.Heartbeat()
    yield lambda _: calls.Authorize(id_token=id_token)
    yield lambda _: transaction_event("Started", 0, 100.0, -30, id_token=id_token)
    yield lambda _: transaction_event("Updated", 1, 600.0, -10)
    yield lambda _: transaction_event("Ended", 2, 1100.0, 0)


@pytest.mark.parametrize("version", _CLIENTS)
async def test_the_client_of_the_ocpp_package_boots_charges_and_stops(server, records, version):
    client, calls = _CLIENTS[version]
    async with station(server, version, boot=False) as peer:
        charger = client(peer.identity, peer.socket)
        loop = asyncio.create_task(charger.start())
        try:
            seen = []
            for step in _session_of(version, calls):
                answer = await charger.call(step(seen), suppress=False)
                seen.append(answer)
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    assert seen[0].status == "Accepted"
    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"], row["id_token"]) == ("ended", 1000, ALICE)
