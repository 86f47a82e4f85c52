"""Profiles of sessions that go on after a restart of their station (2.1 B13, E17)."""

from __future__ import annotations

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, at, boot_payload, fresh, station
from tests.conformance.profiles import asked, stored_profiles

ACCEPTED = {"status": "Accepted"}
LIMIT = {
    "chargingProfilePurpose": "TxProfile",
    "connectorId": 1,
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
}


def kept(is_kept):
    """The answer of a station that says whether it keeps TxProfiles over a restart."""
    name = {
        "component": {"name": "SmartChargingCtrlr"},
        "variable": {"name": "ChargingProfilePersistence", "instance": "TxProfile"},
    }
    result = {**name, "attributeStatus": "Accepted", "attributeValue": is_kept}
    return {"getVariableResult": [result]}


async def limited(operator, peer):
    """A session with a TxProfile; its transactionId, and the payload of the SetChargingProfile."""
    transaction = new_transaction()
    await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
    code, answer, call = await asked(operator, peer, "set-charging-profile", LIMIT)
    assert (code, answer["success"], call[2]) == (200, True, "SetChargingProfile")
    assert call[3]["chargingProfile"]["transactionId"] == transaction
    return transaction, call[3]


async def restart(peer, reason):
    assert (await peer.call("BootNotification", boot_payload(V21) | {"reason": reason}))[
        "status"
    ] == "Accepted"
    moved = {"connectorStatus": "Occupied", "evseId": 1, "connectorId": 1, "timestamp": at()}
    assert await peer.call("StatusNotification", moved) == {}
    security = {"type": "ResetOrReboot", "timestamp": at()}
    assert await peer.call("SecurityEventNotification", security) == {}


async def test_TC_B_116_the_profile_is_sent_again_after_a_reset_with_resumption(server, operator, records):
    identity = fresh()
    async with station(server, V21, identity) as peer:
        transaction, first = await limited(operator, peer)
        _, _, reset = await asked(operator, peer, "reset", {"type": "ImmediateAndResume"})
        await peer.call("TransactionEvent", event("Updated", transaction, 1, trigger="ResetCommand"))
    async with station(server, V21, identity, boot=False) as peer:
        await restart(peer, "RemoteReset")
        ((in_doubt, _),) = stored_profiles(records, identity)
        resumed = event("Updated", transaction, 2, trigger="TxResumed")
        assert await peer.call("TransactionEvent", resumed) == {}
        call = await peer.next_call()
        # The station has not seen the answer: it repeats the event.
        assert await peer.call("TransactionEvent", resumed) == {}
        await peer.answer(call, ACCEPTED)
        assert await peer.call("TransactionEvent", resumed) == {}
        await peer.heartbeat()
        assert not peer.calls

    assert reset[3] == {"type": "ImmediateAndResume"}
    assert call[2:] == ["SetChargingProfile", first]
    assert in_doubt == "unverified"
    profile = first["chargingProfile"]
    assert stored_profiles(records, identity) == [("replaced", profile), ("installed", profile)]
    by_server = [row for row in records.commands(identity) if row["actor"] == "server"]
    assert [(row["id"], row["action"], row["status"]) for row in by_server] == [
        (call[1], "SetChargingProfile", "Accepted")
    ]


async def test_TC_E_117_the_profile_is_sent_again_after_an_interruption(server, operator, records):
    identity = fresh()
    async with station(server, V21, identity) as peer:
        transaction, first = await limited(operator, peer)
        peer.abort()
    async with station(server, V21, identity, boot=False) as peer:
        await restart(peer, "PowerUp")
        resumed = event("Updated", transaction, 1, trigger="TxResumed")
        assert await peer.call("TransactionEvent", resumed) == {}
        call = await peer.next_call()
        await peer.answer(call, {"status": "Rejected"})
        await peer.heartbeat()
        refused = stored_profiles(records, identity)

    assert call[2:] == ["SetChargingProfile", first]
    assert refused == [("missing", first["chargingProfile"])]


async def test_TC_E_117_the_profile_of_a_remote_start_gets_its_session(server, operator, records):
    identity, transaction = fresh(), new_transaction()
    period = [{"startPeriod": 0, "limit": 7}]
    body = {"idTag": "ALICE0001", "connectorId": 1, "chargingProfile": {"chargingSchedulePeriod": period}}
    async with station(server, V21, identity) as peer:
        _, _, start = await asked(operator, peer, "remote-start", body)
        info = {"remoteStartId": start[3]["remoteStartId"]}
        await peer.call("TransactionEvent", event("Started", transaction, 0, info=info, idToken=token()))
    async with station(server, V21, identity, boot=False) as peer:
        await restart(peer, "PowerUp")
        await peer.call("TransactionEvent", event("Updated", transaction, 1, trigger="TxResumed"))
        call = await peer.next_call()
        await peer.answer(call, ACCEPTED)
        await peer.heartbeat()

    again = {**start[3]["chargingProfile"], "transactionId": transaction}
    assert call[2:] == ["SetChargingProfile", {"evseId": 1, "chargingProfile": again}]
    assert stored_profiles(records, identity)[-1] == ("installed", again)


async def test_TC_E_117_a_station_that_keeps_its_profiles_is_not_sent_them(server, operator, records):
    identity = fresh()
    async with station(server, V21, identity) as peer:
        keys = {"keys": ["SmartChargingCtrlr.ChargingProfilePersistence[TxProfile]"]}
        await asked(operator, peer, "get-configuration", keys, kept("true"))
        transaction, first = await limited(operator, peer)
    async with station(server, V21, identity, boot=False) as peer:
        await restart(peer, "PowerUp")
        resumed = event("Updated", transaction, 1, trigger="TxResumed")
        assert await peer.call("TransactionEvent", resumed) == {}
        await peer.heartbeat()
        assert not peer.calls

    assert stored_profiles(records, identity) == [("installed", first["chargingProfile"])]
