"""Authorization of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import fresh, station


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        (ALICE, "Accepted"),
        (ALICE.lower(), "Accepted"),
        ("NOBODY99", "Unknown"),
        ("INVALID1", "Invalid"),
        ("BLOCKED1", "Blocked"),
        ("EXPIRED1", "Expired"),
    ],
)
async def test_TC_C_02_TC_C_06_TC_C_07_authorization_is_exact(server, records, version, uid, expected):
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", {"idToken": token(uid)})

    assert answer["idTokenInfo"]["status"] == expected
    refusals = [
        (row["id_token"], row["status"], row["purpose"])
        for row in records.of("transactions_refusal", peer.identity)
    ]
    assert refusals == ([] if expected == "Accepted" else [(uid, expected, "authorize")])


@pytest.mark.parametrize(
    "kind", ["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"]
)
async def test_C_every_kind_of_token_is_answered(server, version, kind):
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", {"idToken": token("", kind)})

    assert answer["idTokenInfo"]["status"] in ("Unknown", "Invalid", "Accepted")


async def test_TC_C_08_TC_C_20_a_cached_token_is_checked_again_with_the_event(server, records, version):
    answers = []
    async with station(server, version) as peer:
        for evse, uid in ((1, ALICE), (2, "NOBODY99")):
            transaction = new_transaction()
            plugged = event(
                "Started", transaction, 0, trigger="CablePluggedIn", evse=evse, state="EVConnected"
            )
            assert await peer.call("TransactionEvent", plugged) == {}
            authorized = event("Updated", transaction, 1, evse=evse, state="EVConnected", idToken=token(uid))
            answers.append(await peer.call("TransactionEvent", authorized))

    assert [answer["idTokenInfo"]["status"] for answer in answers] == ["Accepted", "Unknown"]
    rows = {row["evse_number"]: row for row in records.transactions(peer.identity)}
    # The column has the words of 1.6; the refusal has those of 2.x.
    assert [rows[evse]["authorization_status"] for evse in (1, 2)] == ["Accepted", "Invalid"]
    assert rows[1]["id_token"] == ALICE
    (refusal,) = records.of("transactions_refusal", peer.identity)
    assert (refusal["id_token"], refusal["status"], refusal["purpose"]) == ("NOBODY99", "Unknown", "start")


async def test_TC_C_39_the_group_is_in_every_answer(server, version):
    async with station(server, version) as peer:
        authorized = await peer.call("Authorize", {"idToken": token("BOB00002")})
        started = await peer.call(
            "TransactionEvent", event("Started", new_transaction(), 0, idToken=token("BOB00002"))
        )

    for answer in (authorized, started):
        assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == "FAMILY"


@pytest.mark.parametrize("word", ["Accepted", "Rejected"], ids=["TC_C_37", "TC_C_38"])
async def test_TC_C_37_TC_C_38_the_cache_is_cleared_or_not(server, operator, records, version, word):
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/clear-cache"
        sent = asyncio.create_task(operator.request("POST", path, {}))
        call = await peer.next_call()
        await peer.answer(call, {"status": word})
        code, answer = await sent

    assert call[2:] == ["ClearCache", {}]
    assert (code, answer["data"]["status"], answer["success"]) == (200, word, word == "Accepted")
    assert records.command(call[1])["state"] == word.casefold()


@pytest.mark.parametrize("asks", [True, False], ids=["TC_C_39", "TC_C_40"])
async def test_TC_C_39_TC_C_40_TC_C_43_another_token_of_the_group_stops_the_session(
    server, records, version, asks
):
    bob, carol = token("BOB00002"), token("CAROL003")
    transaction, answers = new_transaction(), []
    async with station(server, version) as peer:
        if asks:
            answers.append(await peer.call("Authorize", {"idToken": carol}))
        answers.append(await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=bob)))
        if asks:
            answers.append(await peer.call("Authorize", {"idToken": carol}))
        stop = event("Updated", transaction, 1, trigger="StopAuthorized", idToken=carol)
        answers.append(await peer.call("TransactionEvent", stop))
        ended = event("Ended", transaction, 2, trigger="EVCommunicationLost", state="Idle")
        assert await peer.call("TransactionEvent", ended) == {}

    for answer in answers:
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == "FAMILY"
    row = records.transaction(peer.identity)
    assert (row["status"], row["id_token"], row["group_id"]) == ("ended", "BOB00002", "FAMILY")


@pytest.mark.parametrize("stopped", [(1, 2), (1,)], ids=["TC_C_47 TC_C_49", "TC_C_48"])
async def test_TC_C_47_TC_C_48_TC_C_49_a_master_pass_ends_the_sessions_of_others(
    server, records, operator, version, stopped
):
    group, uid = fresh("M")[:20], fresh("T")[:20]
    await operator.add_token(uid, is_master=True, group_id=group)
    running = {evse: new_transaction() for evse in (1, 2)}
    async with station(server, version) as peer:
        for evse, transaction in running.items():
            started = event("Started", transaction, 0, evse=evse, idToken=token())
            await peer.call("TransactionEvent", started)
        answers = [await peer.call("Authorize", {"idToken": token(uid)})]
        for evse in stopped:
            info = {"stoppedReason": "MasterPass"}
            ended = event(
                "Ended",
                running[evse],
                1,
                evse=evse,
                trigger="StopAuthorized",
                info=info,
                idToken=token(uid),
            )
            answers.append(await peer.call("TransactionEvent", ended))

    for answer in answers:
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == group
    rows = {row["evse_number"]: row for row in records.transactions(peer.identity)}
    for evse, row in rows.items():
        expected = ("ended", "MasterPass", uid) if evse in stopped else ("active", "", "")
        assert (row["status"], row["stop_reason"], row["stop_id_token"]) == expected
        assert row["id_token"] == ALICE
