"""The security profile of a 1.6 station is raised over OCPP and never lowered (whitepaper, A00, A05)."""

from __future__ import annotations

import pytest

from tests.conformance.changing_profiles import (
    BY_TLS,
    PASSWORD,
    TABLE,
    answers,
    asking,
    body,
    change_is,
    connects,
    let_time_pass,
    path,
    profiles_of,
    states,
    take_steps,
)
from tests.conformance.messages import commanded
from tests.conformance.peer import V16, Operator, Records, fresh, station
from tests.servers import LiveServer

RAISED = {"key": "SecurityProfile", "value": "2"}


async def test_16_083_a_station_returns_at_the_higher_profile_and_is_held_there(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        request = asking(operator, peer)
        (call,) = await take_steps(peer)
        status, answer = await request
        waiting = (profiles_of(records, peer), states(records, peer))
        _, again = await operator.request("POST", path(peer), body(peer, 3))
    # It may lose its connection before it changes: both are admitted.
    both = [await connects(server, peer), await connects(server, peer, headers=BY_TLS)]
    after = [await connects(server, peer), await connects(server, peer, headers=BY_TLS)]

    assert call[2:] == ["ChangeConfiguration", RAISED]
    assert (status, answer["data"]["status"], answer["data"]["state"]) == (200, "Accepted", "awaited")
    assert waiting == ((1, 2), ["awaited"])
    assert again["data"]["code"] == "profile-changing"
    assert (both, after) == ([True, True], [False, True])
    assert profiles_of(records, peer) == (2, None)
    (row,) = records.of(TABLE, identity)
    assert (row["state"], row["first_command"], row["justification"]) == (
        "proved",
        call[1],
        "The proxy is known to work.",
    )
    assert answers(records, peer) == [("sent", "Accepted"), ("awaited", "")]
    types = [one["type"] for one in records.security_events(identity)]
    assert types == ["SecurityProfileChanged", "RefusedSecurityProfile"]
    assert [one["reason"] for one in records.refusals(identity)] == [
        "Security profile 2 needs TLS, this connection has none."
    ]


async def test_16_083_the_first_password_and_profile_1_are_proved_together(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity)
    async with station(server, V16, identity) as peer:
        refused, answer = await operator.request("POST", path(peer), body(peer, 1))
        await operator.change(identity, password=PASSWORD, securityProfile=0)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        request = asking(operator, peer, 1)
        (call,) = await take_steps(peer)
        await request
    found = await connects(server, peer)

    assert (refused, "has no password" in answer["message"]) == (409, True)
    assert call[3] == {"key": "SecurityProfile", "value": "1"}
    assert (found, profiles_of(records, peer), states(records, peer)) == (True, (1, None), ["proved"])


async def test_16_083_a_station_that_returns_at_the_old_profile_keeps_it(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        request = asking(operator, peer)
        await take_steps(peer)
        await request
    async with station(server, V16, identity, password=PASSWORD, boot=False) as peer:
        answer = await peer.boot()
        before = states(records, peer)
        let_time_pass(server, peer)
        await change_is(records, peer, "fell-back")

    assert (answer["status"], before) == ("Accepted", ["awaited"])
    assert profiles_of(records, peer) == (1, None)
    assert "returned at security profile 1" in records.of(TABLE, identity)[0]["reason"]
    assert [one["type"] for one in records.security_events(identity)] == ["SecurityProfileFellBack"]
    assert await connects(server, peer)


async def test_16_083_a_connection_at_the_old_profile_after_the_time_is_a_fallback(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        request = asking(operator, peer)
        await take_steps(peer)
        await request
    let_time_pass(server, peer)
    found = await connects(server, peer)

    assert (found, profiles_of(records, peer), states(records, peer)) == (True, (1, None), ["fell-back"])


async def test_16_083_a_station_that_was_away_for_long_may_return_at_the_higher_one(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        request = asking(operator, peer, window=60)
        call = await peer.next_call()
        peer.abort()  # the answer is lost: it may have changed
        await request
        await change_is(records, peer, "awaited")
    let_time_pass(server, peer)
    found = await connects(server, peer, headers=BY_TLS)

    assert call[2:] == ["ChangeConfiguration", RAISED]
    assert (found, profiles_of(records, peer), states(records, peer)) == (True, (2, None), ["proved"])


@pytest.mark.parametrize("word", ["Rejected", "NotSupported"])
async def test_16_083_a_refused_profile_leaves_the_old_one(
    server: LiveServer, operator: Operator, records: Records, word: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        request = asking(operator, peer)
        call = await peer.next_call()
        await peer.answer(call, {"status": word})
        status, answer = await request

    assert (status, answer["success"], answer["data"]["status"]) == (200, False, word)
    assert (profiles_of(records, peer), states(records, peer)) == ((1, None), ["refused"])
    assert word in records.of(TABLE, identity)[0]["reason"]


async def test_16_083_a_profile_of_the_generic_command_is_admitted_too(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        await commanded(operator, peer, "ChangeConfiguration", RAISED, {"status": "Accepted"})
        await peer.heartbeat()
    found = await connects(server, peer, headers=BY_TLS)

    assert (found, profiles_of(records, peer), states(records, peer)) == (True, (2, None), ["proved"])


async def test_16_083_nothing_is_sent_while_the_server_has_no_TLS(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        plain = {"targetProfile": 2}
        unsafe, refusal = await operator.request("POST", path(peer), plain)
        unexplained, _ = await operator.request("POST", path(peer), {**plain, "force": True})
        await peer.heartbeat()  # no command came before this answer

    assert (unsafe, unexplained) == (409, 400)
    assert "This server has no TLS" in refusal["message"]
    assert (records.commands(identity), states(records, peer)) == ([], [])


@pytest.mark.parametrize("value", ["0", "1"])
async def test_16_083_a_lower_profile_is_not_sent(
    server: LiveServer, operator: Operator, records: Records, value: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=2)
    async with station(server, V16, identity, password=PASSWORD, headers=BY_TLS) as peer:
        asked = {"action": "ChangeConfiguration", "payload": {"key": "SecurityProfile", "value": value}}
        code, answer = await operator.request("POST", f"/api/v1/chargepoints/{identity}/commands", asked)
        lower, refusal = await operator.request("POST", path(peer), body(peer, 1))
        await peer.heartbeat()  # no command came before this answer

    assert (code, lower) == (400, 409)
    assert f"{identity} has security profile 2" in answer["message"]
    assert "OCPP 1.6 has no way to lower it to 1" in refusal["message"]
    assert records.commands(identity) == []
