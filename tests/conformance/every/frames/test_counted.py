"""Deviations that are tolerated and counted (field notes 10.6): each with the action of its own message."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.messages import (
    connector_row,
    deviations,
    energy,
    event,
    new_transaction,
    start,
    status,
    token,
)
from tests.conformance.peer import V16, V21, V201, Refused, at, fresh, station


def _place(version, evse, connector):
    state = {"timestamp": at(), "connectorStatus": "Available", "evseId": evse, "connectorId": connector}
    return status(connector, "Available") if version == V16 else state


async def test_an_unknown_and_an_unexpected_action_are_counted(server, records, version):
    unexpected = "TransactionEvent" if version == V16 else "StartTransaction"
    async with station(server, version) as peer:
        for action in ("MakeCoffee", unexpected, "GetLog"):
            with pytest.raises(Refused):
                await peer.call(action, {"sugar": 2})
        identity = peer.identity

    found = {
        (row["kind"], row["action"]): row["detail"]
        for row in [await deviations(records, identity)] and records.of("chargepoints_deviation", identity)
    }
    assert ("unknown-action", "MakeCoffee") in found
    assert "OCPP" in found["unexpected-action", unexpected]
    assert "only the server" in found["unexpected-action", "GetLog"]


async def test_a_frame_of_unknown_type_does_not_carry_the_action_before_it(server, records, version):
    async with station(server, version) as peer:
        await peer.call("DataTransfer", {"vendorId": "V"})
        await peer.send([99, "x", "StatusNotification", {}])
        await peer.send([4, "unknown", "GenericError", "", {}])
        await peer.exchange("Heartbeat", {})
        identity = peer.identity

    found = await deviations(records, identity)
    assert {kind: row["action"] for kind, row in found.items()} == {
        "broken-frame" if version == V201 else "ignored-frame": "",
        "unknown-answer": "",
    }


async def test_a_place_of_0_is_counted(server, records, version):
    async with station(server, version) as peer:
        for evse, connector in ((0, 0), (1, 0)):
            assert await peer.call("StatusNotification", _place(version, evse, connector)) == {}
        if version == V16:
            await peer.call("StartTransaction", start(connector=0))
        else:
            started = event("Started", new_transaction(), 0) | {"evse": {"id": 0, "connectorId": 0}}
            await peer.call("TransactionEvent", started)
        identity = peer.identity

    found = {
        (row["kind"], row["action"], row["count"])
        for row in [await deviations(records, identity)] and records.of("chargepoints_deviation", identity)
    }
    if version == V16:  # connector 0 is the station itself, where a status is concerned
        assert ("connector-0", "StartTransaction", 1) in found
        assert not [one for one in found if one[1] == "StatusNotification"]
    else:
        assert {
            ("evse-0", "StatusNotification", 1),
            ("connector-0", "StatusNotification", 2),
            ("evse-0", "TransactionEvent", 1),
            ("connector-0", "TransactionEvent", 1),
        } <= found


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("first", ["Started", "Updated"])
async def test_a_station_that_numbers_every_event_0_loses_none_and_is_counted(
    server, records, version, first
):
    transaction, steps = new_transaction(), ((first, 0, -40), ("Updated", 100, -30), ("Updated", 200, -20))
    async with station(server, version) as peer:
        for kind, wh, minutes in (*steps, ("Ended", 300, -1)):
            payload = event(kind, transaction, 0, minutes=minutes, meterValue=energy(wh, minutes))
            for _ in range(2):  # sent again under another id, after a lost answer
                assert await peer.call("TransactionEvent", payload) == {}
        identity = peer.identity

    row = records.transaction(identity)
    assert (row["status"], row["energy_wh"], row["missing_seq_nos"]) == ("ended", 300, "[]")
    assert records.quarantined(identity) == []
    events = records.rows("SELECT * FROM transactions_transactionevent WHERE transaction_id = ?", row["id"])
    assert len(events) == 4
    found = await deviations(records, identity)
    assert (found["unnumbered-event"]["path"], found["unnumbered-event"]["action"]) == (
        "seqNo",
        "TransactionEvent",
    )


# -- names of the other dialect ------------------------------------------------------------------------------


async def test_a_list_version_under_the_name_of_the_other_version_is_read(server, operator, records, version):
    async with station(server, version) as peer:
        asking = asyncio.create_task(operator.command(peer.identity, "GetLocalListVersion", timeout=60))
        name, other = ("listVersion", "versionNumber")[:: 1 if version == V16 else -1]
        await peer.answer(await peer.next_call(), {other: 7})
        code, data = await asking
        identity = peer.identity

    assert (code, data["response"]) == (200, {name: 7})
    assert (await deviations(records, identity))["name-of-other-version"]["path"] == other


async def test_a_strict_station_may_not_use_the_name_of_the_other_version(server, operator, version):
    identity = fresh()
    await operator.provision(identity, validation="strict")
    async with station(server, version, identity) as peer:
        asking = asyncio.create_task(operator.command(identity, "GetLocalListVersion", timeout=60))
        other = "versionNumber" if version == V16 else "listVersion"
        await peer.answer(await peer.next_call(), {other: 7})

        assert (await asking)[0] == 502


async def test_a_status_under_the_name_of_the_other_version_is_stored(server, records, version):
    wrong, right = ("connectorStatus", "status")[:: 1 if version == V16 else -1]
    payload = _place(version, 1, 1)
    payload[wrong] = payload.pop(right)
    async with station(server, version) as peer:
        assert await peer.call("StatusNotification", payload) == {}

    assert connector_row(records, peer.identity)["status"] == "Available"


async def test_the_error_code_of_another_version_is_counted(server, operator, records, version):
    async with station(server, version) as peer:
        asking = asyncio.create_task(operator.command(peer.identity, "ClearCache", timeout=60))
        code = "FormatViolation" if version == V16 else "FormationViolation"
        await peer.send([4, (await peer.next_call())[1], code, "", {}])
        assert (await asking)[0] == 502
        identity = peer.identity

    assert (await deviations(records, identity))["unknown-error-code"]["detail"] == code


async def test_tokens_are_never_renamed(server):
    async with station(server, V201) as peer:
        with pytest.raises(Refused):
            await peer.call("Authorize", {"idTag": token()["idToken"]})
