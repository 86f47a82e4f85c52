"""Boots and the states of connectors of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.peer import Refused, at, boot_payload, fresh, station


async def test_TC_B_01_cold_boot_and_the_state_of_every_connector(server, records, version):
    async with station(server, version) as peer:
        for evse in (1, 2):
            status = {"timestamp": at(), "connectorStatus": "Available", "evseId": evse, "connectorId": 1}
            assert await peer.call("StatusNotification", status) == {}
        await peer.heartbeat()

    rows = records.of("chargepoints_connector", peer.identity)
    assert [row["status"] for row in rows] == ["Available", "Available"]
    assert records.charge_point(peer.identity)["boot_reason"] == "PowerUp"


async def test_TC_B_02_TC_B_30_TC_B_31_pending_then_accepted(server, operator, records, version):
    identity = fresh()
    await operator.provision(identity, registrationStatus="Pending")
    async with station(server, version, identity, boot=False) as peer:
        assert (await peer.boot())["status"] == "Pending"
        blocked = {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        for action, payload in (("StatusNotification", blocked), ("NotifyEvent", {}), ("Heartbeat", {})):
            with pytest.raises(Refused) as refused:
                await peer.call(action, payload)
            assert refused.value.code == "SecurityError"
        assert records.charge_point(identity)["registration_status"] == "Pending"
        assert records.of("chargepoints_connector", identity) == []
        asked = {"getVariableData": [{"component": {"name": "C"}, "variable": {"name": "V"}}]}
        sent = asyncio.create_task(operator.command(identity, "GetVariables", asked))
        result = asked["getVariableData"][0] | {"attributeStatus": "UnknownComponent"}
        await peer.answer(await peer.next_call(), {"getVariableResult": [result]})
        assert (await sent)[0] == 200
        assert (await operator.command(identity, "ClearCache"))[0] == 409

        await operator.change(identity, registrationStatus="Accepted")
        trigger = await peer.next_call()
        assert trigger[3] == {"requestedMessage": "BootNotification"}
        await peer.answer(trigger, {"status": "Accepted"})
        answer = await peer.call("BootNotification", boot_payload(version) | {"reason": "Triggered"})
        assert answer["status"] == "Accepted"
        assert await peer.call("StatusNotification", blocked) == {}

    row = records.charge_point(identity)
    assert (row["registration_status"], row["boot_reason"]) == ("Accepted", "Triggered")
    assert records.command(trigger[1])["state"] == "accepted"
    (connector,) = records.of("chargepoints_connector", identity)
    assert connector["status"] == "Available"
