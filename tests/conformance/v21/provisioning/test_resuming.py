"""Resets of OCPP 2.1 after which transactions continue; the cases have the numbers of the certification."""

from __future__ import annotations

from tests.conformance.device_models import asked
from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import V16, V21, V201, at, boot_payload, eventually, fresh, station

RESUMING = {"type": "ImmediateAndResume"}


async def boot(peer):
    answer = await peer.call("BootNotification", boot_payload(V21) | {"reason": "RemoteReset"})
    assert answer["status"] == "Accepted"


async def test_TC_B_103_the_transaction_continues_after_the_reset(server, operator, records):
    transaction, identity = new_transaction(), fresh()
    async with station(server, V21, identity) as peer:
        started = event("Started", transaction, 0, idToken=token(), meterValue=energy(100, -2))
        await peer.call("TransactionEvent", started)
        code, answer, call = await asked(operator, peer, "reset", RESUMING, {"status": "Accepted"})
        stopping = event("Updated", transaction, 1, trigger="ResetCommand", meterValue=energy(400, -1))
        assert await peer.call("TransactionEvent", stopping) == {}
    async with station(server, V21, identity, boot=False) as peer:
        await boot(peer)
        await eventually(lambda: records.command(call[1])["effect"] == "seen")
        interrupted = records.transaction(identity)
        security = {"type": "ResetOrReboot", "timestamp": at()}
        assert await peer.call("SecurityEventNotification", security) == {}
        resumed = event("Updated", transaction, 2, trigger="TxResumed", minutes=0.1)
        assert await peer.call("TransactionEvent", resumed) == {}
        ended = event("Ended", transaction, 3, trigger="StopAuthorized", minutes=0.2, meterValue=energy(900))
        await peer.call("TransactionEvent", ended)

    assert call[2:] == ["Reset", RESUMING]
    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert (interrupted["status"], interrupted["is_interrupted"]) == ("active", 1)
    row = records.transaction(identity)
    assert (row["ocpp_id"], row["status"], row["energy_wh"]) == (transaction, "ended", 800)


async def test_TC_B_104_a_reset_that_resumes_nothing(server, operator, records):
    async with station(server, V21) as peer:
        _, answer, call = await asked(operator, peer, "reset", RESUMING, {"status": "Accepted"})
        await boot(peer)
        await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert call[2:] == ["Reset", RESUMING]
    assert answer["data"]["status"] == "Accepted"
    assert records.charge_point(peer.identity)["boot_reason"] == "RemoteReset"


async def test_TC_B_104_older_versions_have_no_reset_that_resumes(server, operator, records):
    for version in (V16, V201):
        async with station(server, version) as peer:
            path = f"/api/v1/chargepoints/{peer.identity}/reset"
            code, answer = await operator.request("POST", path, RESUMING)

            assert (code, answer["success"]) == (400, False)
            assert records.commands(peer.identity) == []
