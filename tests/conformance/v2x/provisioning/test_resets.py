"""Resets of OCPP 2.x and their effects; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.device_models import asked, shown
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import boot_payload, eventually, station


async def boot(peer, reason):
    answer = await peer.call("BootNotification", boot_payload(peer.version) | {"reason": reason})
    assert answer["status"] == "Accepted"
    await peer.heartbeat()


async def effect(operator, peer, call):
    return (await shown(operator, peer, f"commands/{call[1]}")).get("effect", {}).get("state")


async def test_TC_B_20_a_reset_on_idle_without_a_session(server, operator, records, version):
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "reset", {"type": "OnIdle"}, {"status": "Accepted"})
        waiting = await effect(operator, peer, call)
        await boot(peer, "RemoteReset")
        await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert call[2:] == ["Reset", {"type": "OnIdle"}]
    assert (code, answer["data"]["status"], waiting) == (200, "Accepted", "waiting")
    assert records.charge_point(peer.identity)["boot_reason"] == "RemoteReset"


async def test_TC_B_21_a_reset_on_idle_waits_for_the_end_of_the_session(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        code, answer, call = await asked(operator, peer, "reset", {"type": "OnIdle"}, {"status": "Scheduled"})
        stopped = event(
            "Updated", transaction, 1, trigger="StopAuthorized", state="EVConnected", idToken=token()
        )
        await peer.call("TransactionEvent", stopped)
        assert records.command(call[1])["effect"] == "waiting"
        ended = event(
            "Ended",
            transaction,
            2,
            trigger="EVCommunicationLost",
            state="Idle",
            info={"stoppedReason": "EVDisconnected"},
        )
        await peer.call("TransactionEvent", ended)
        await boot(peer, "ScheduledReset")
        await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert call[2:] == ["Reset", {"type": "OnIdle"}]
    assert (code, answer["data"]["status"]) == (200, "Scheduled")
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"]) == ("ended", "EVDisconnected")


async def test_TC_B_22_an_immediate_reset_ends_the_session(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        _, _, call = await asked(operator, peer, "reset", {"type": "Immediate"}, {"status": "Accepted"})
        ended = event(
            "Ended", transaction, 1, trigger="ResetCommand", info={"stoppedReason": "ImmediateReset"}
        )
        assert await peer.call("TransactionEvent", ended) == {}
        await boot(peer, "RemoteReset")
        await eventually(lambda: records.command(call[1])["effect"] == "seen")

    assert call[2:] == ["Reset", {"type": "Immediate"}]
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"]) == ("ended", "ImmediateReset")


@pytest.mark.parametrize(
    ("kind", "status", "is_busy"),
    [("OnIdle", "Accepted", False), ("OnIdle", "Scheduled", True), ("Immediate", "Accepted", True)],
    ids=["TC_B_25", "TC_B_26", "TC_B_27"],
)
async def test_TC_B_25_TC_B_26_TC_B_27_the_reset_of_an_evse_waits_for_no_boot(  # noqa: PLR0917
    server, operator, records, version, kind, status, is_busy
):
    transaction = new_transaction()
    reason = "ImmediateReset" if kind == "Immediate" else "EVDisconnected"
    async with station(server, version) as peer:
        if is_busy:
            await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        body = {"type": kind, "evseId": 1}
        code, answer, call = await asked(operator, peer, "reset", body, {"status": status})
        if is_busy:
            ended = event("Ended", transaction, 1, trigger="ResetCommand", info={"stoppedReason": reason})
            await peer.call("TransactionEvent", ended)
        await peer.heartbeat()

    assert call[2:] == ["Reset", {"type": kind, "evseId": 1}]
    assert (code, answer["data"]["status"]) == (200, status)
    command = records.command(call[1])
    assert (command["state"], command["effect"]) == ("accepted", "")
    ends = [(row["status"], row["stop_reason"]) for row in records.transactions(peer.identity)]
    assert ends == ([("ended", reason)] if is_busy else [])
