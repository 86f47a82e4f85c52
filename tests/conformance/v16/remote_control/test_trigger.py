"""OCPP 1.6: TriggerMessage and ExtendedTriggerMessage. A command is done when its message has come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.messages import status
from tests.conformance.peer import Operator, Peer, Records, at, boot_payload, station
from tests.servers import LiveServer


async def triggered(operator: Operator, peer: Peer, **body: Any) -> tuple[asyncio.Task[Any], list[Any]]:
    """The pending answer for the operator, and the CALL that the station has got."""
    path = f"/api/v1/chargepoints/{peer.identity}/trigger"
    sent = asyncio.create_task(operator.request("POST", path, body))
    return sent, await peer.next_call()


async def shown(operator: Operator, peer: Peer, command_id: str) -> dict[str, Any]:
    _, body = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/commands/{command_id}")
    effect: dict[str, Any] = body["data"]["effect"]
    return effect


METER_VALUES = {"connectorId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "1"}]}]}


@pytest.mark.parametrize(
    ("name", "payload", "place"),
    [
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, {}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}, {}),
        ("FirmwareStatusNotification", {"status": "Idle"}, {}),
        ("Heartbeat", {}, {}),
        ("MeterValues", METER_VALUES, {"connectorId": 1}),
        ("StatusNotification", status(1, "Available"), {"connectorId": 1}),
        ("StatusNotification", status(0, "Available"), {}),
    ],
)
async def test_16_054_a_trigger_is_done_when_its_message_has_come(
    server: LiveServer,
    operator: Operator,
    records: Records,
    *,
    name: str,
    payload: dict[str, Any],
    place: dict[str, Any],
) -> None:
    async with station(server) as peer:
        sent, call = await triggered(operator, peer, requestedMessage=name, **place)
        await peer.answer(call, {"status": "Accepted"})
        code, answer = await sent
        waiting = await shown(operator, peer, call[1])
        await peer.call("StatusNotification", status(2, "Available"))
        other = records.command(call[1])["effect"]
        assert isinstance(await peer.call(name, payload), dict)

    assert call[2:] == ["TriggerMessage", {"requestedMessage": name, **place}]
    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert (waiting["name"], waiting["state"]) == ("message-received", "waiting")
    assert other == ("seen" if (name, place) == ("StatusNotification", {}) else "waiting")
    row = records.command(call[1])
    assert (row["state"], row["effect"], row["effect_until"]) == ("accepted", "seen", None)


async def test_16_054_the_message_may_come_before_the_answer(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    async with station(server) as peer:
        sent, call = await triggered(operator, peer, requestedMessage="Heartbeat")
        await peer.heartbeat()
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200

    assert call[3] == {"requestedMessage": "Heartbeat"}
    assert records.command(call[1])["effect"] == "seen"


async def test_16_054_a_new_connection_brings_the_message(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    async with station(server) as peer:
        sent, call = await triggered(operator, peer, requestedMessage="MeterValues")
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        peer.abort()
    async with station(server, identity=peer.identity, boot=False) as peer:
        assert await peer.call("MeterValues", METER_VALUES) == {}

    assert records.command(call[1])["effect"] == "seen"


async def test_16_055_a_rejected_trigger_may_be_asked_again(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    async with station(server) as peer:
        for _ in range(2):
            sent, call = await triggered(operator, peer, requestedMessage="Heartbeat")
            assert call[2:] == ["TriggerMessage", {"requestedMessage": "Heartbeat"}]
            await peer.answer(call, {"status": "Rejected"})
            code, answer = await sent
            assert (code, answer["data"]["status"]) == (200, "Rejected")
            assert records.command(call[1])["effect"] == ""


async def test_16_055_a_message_that_is_not_implemented_is_not_asked_for_until_the_firmware_changes(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    async with station(server) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/trigger"
        body = {"requestedMessage": "DiagnosticsStatusNotification"}
        sent, call = await triggered(operator, peer, **body)
        assert call[2:] == ["TriggerMessage", body]
        await peer.answer(call, {"status": "NotImplemented"})
        assert (await sent)[1]["data"]["status"] == "NotImplemented"
        assert records.command(call[1])["status"] == "NotImplemented"

        code, answer = await operator.request("POST", path, body)
        assert (code, answer["data"]["code"]) == (409, "not-supported")
        assert "has answered TriggerMessage for DiagnosticsStatusNotification: NotImplemented" in str(answer)
        assert not peer.calls

        # With `force`, and by the door for any action, it is sent all the same.
        sent, call = await triggered(operator, peer, **body, force=True)
        await peer.answer(call, {"status": "NotImplemented"})
        assert (await sent)[0] == 200
        asking = asyncio.create_task(operator.command(peer.identity, "TriggerMessage", body))
        await peer.answer(await peer.next_call(), {"status": "NotImplemented"})
        assert (await asking)[0] == 200

        await peer.call("BootNotification", boot_payload(peer.version) | {"firmwareVersion": "2.0"})
        sent, call = await triggered(operator, peer, **body)
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("LogStatusNotification", ("LogStatusNotification", {"status": "Idle"})),
        ("FirmwareStatusNotification", ("SignedFirmwareStatusNotification", {"status": "Idle"})),
    ],
)
async def test_16_074_messages_of_the_security_extension_have_a_trigger_of_their_own(
    server: LiveServer, operator: Operator, records: Records, name: str, reply: tuple[str, dict[str, Any]]
) -> None:
    async with station(server) as peer:
        how = {} if name == "LogStatusNotification" else {"extended": True}
        sent, call = await triggered(operator, peer, requestedMessage=name, **how)
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        await peer.call(*reply)

    assert call[2:] == ["ExtendedTriggerMessage", {"requestedMessage": name}]
    assert records.command(call[1])["effect"] == "seen"


async def test_16_074_a_station_without_the_security_extension_is_asked_once(
    server: LiveServer, operator: Operator
) -> None:
    async with station(server) as peer:
        body = {"requestedMessage": "SignChargePointCertificate"}
        sent, call = await triggered(operator, peer, **body)
        await peer.send([4, call[1], "NotSupported", "", {}])
        assert (await sent)[0] == 502
        path = f"/api/v1/chargepoints/{peer.identity}/trigger"
        code, answer = await operator.request("POST", path, body)

    assert (code, answer["data"]["code"]) == (409, "not-supported")
