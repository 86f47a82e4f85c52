"""The security profile of a 2.x station is raised by a network profile (A05, TC_A_19)."""

from __future__ import annotations

import pytest

from tests.conformance.changing_profiles import (
    ACCEPTED,
    BY_TLS,
    PASSWORD,
    PRIORITY,
    TABLE,
    URL,
    answers,
    asking,
    body,
    change_is,
    connects,
    let_time_pass,
    path,
    profiles_of,
    report_slots,
    states,
    take_steps,
)
from tests.conformance.device_models import asked
from tests.conformance.messages import commanded
from tests.conformance.peer import Operator, Records, fresh, station
from tests.servers import LiveServer


async def test_TC_A_19_a_station_returns_at_the_higher_profile_and_is_held_there(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, version, identity, password=PASSWORD) as peer:
        await report_slots(peer)
        request = asking(operator, peer)
        calls = await take_steps(peer)
        status, answer = await request
        waiting = profiles_of(records, peer)
        _, shown = await operator.request(
            "GET", f"/api/v1/chargepoints/{identity}/security-profile-changes/{answer['data']['changeId']}"
        )
    # The highest that its transport can have, the old one, and the new one again.
    tried = [
        await connects(server, peer, headers=BY_TLS),
        await connects(server, peer),
        await connects(server, peer, headers=BY_TLS),
    ]

    data = {
        "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": URL, "messageTimeout": 30,
        "securityProfile": 2, "ocppInterface": "Wired0",
    }  # fmt: skip
    assert [call[2:] for call in calls] == [
        ["SetNetworkProfile", {"configurationSlot": 2, "connectionData": data}],
        ["SetVariables", {"setVariableData": [{**PRIORITY, "attributeValue": "2,1"}]}],
        ["Reset", {"type": "OnIdle"}],
    ]
    assert (status, answer["data"]["state"], waiting) == (200, "awaited", (1, 2))
    assert (shown["data"]["slot"], shown["data"]["targetProfile"], shown["data"]["isOpen"]) == (2, 2, True)
    assert (tried, profiles_of(records, peer)) == ([True, False, True], (2, None))
    assert answers(records, peer) == [
        ("sent", "Accepted"), ("ordering", "Accepted"), ("restarting", "Accepted"), ("awaited", ""),
    ]  # fmt: skip
    assert [one["type"] for one in records.security_events(identity)] == [
        "SecurityProfileChanged",
        "RefusedSecurityProfile",
    ]


async def test_A05_the_job_goes_on_where_no_caller_waits(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    url = "wss://ann:hunter2@csms.example.com/ocpp"
    async with station(server, version, fresh("SEC")) as peer:
        await report_slots(peer, "3,1", "1,3,5")
        await operator.change(peer.identity, password=PASSWORD, securityProfile=1)
        status, _ = await operator.request("POST", f"{path(peer)}?wait=false", body(peer, csmsUrl=url))
        calls = await take_steps(peer)
        await change_is(records, peer, "awaited")

    assert status == 202
    assert calls[0][3]["configurationSlot"] == 5
    assert calls[0][3]["connectionData"]["ocppCsmsUrl"] == url
    kept = [records.of(TABLE, peer.identity), records.commands(peer.identity)]
    assert "csms.example.com" in str(kept) and "hunter2" not in str(kept)
    assert calls[1][3]["setVariableData"][0]["attributeValue"] == "5,3,1"
    assert profiles_of(records, peer) == (1, 2)


async def test_A05_a_station_that_boots_at_the_old_profile_keeps_it(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, version, identity, password=PASSWORD) as peer:
        await report_slots(peer)
        request = asking(operator, peer)
        await take_steps(peer)
        await request
    let_time_pass(server, peer)
    async with station(server, version, identity, password=PASSWORD, boot=False) as peer:
        # It has lost its connection and not restarted yet.
        before = states(records, peer)
        await peer.boot()
        await change_is(records, peer, "fell-back")

    assert (before, profiles_of(records, peer)) == (["awaited"], (1, None))
    assert "Slot 2 may still be first" in records.of(TABLE, identity)[0]["reason"]


@pytest.mark.parametrize("refused_step", ["SetNetworkProfile", "SetVariables", "Reset"])
async def test_A05_a_step_that_the_station_refuses(
    server: LiveServer, operator: Operator, records: Records, version: str, refused_step: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    reason = {"reasonCode": "NoSecurityDowngrade"}
    async with station(server, version, identity, password=PASSWORD) as peer:
        await report_slots(peer)
        request = asking(operator, peer)
        call = await peer.next_call()
        while call[2] != refused_step:
            results = {"setVariableResult": [{**PRIORITY, "attributeStatus": "RebootRequired"}]}
            await peer.answer(call, results if call[2] == "SetVariables" else ACCEPTED)
            call = await peer.next_call()
        one = {**PRIORITY, "attributeStatus": "Rejected", "attributeStatusInfo": reason}
        plain = {"status": "Rejected", "statusInfo": reason}
        await peer.answer(call, {"setVariableResult": [one]} if call[2] == "SetVariables" else plain)
        status, answer = await request
        await peer.heartbeat()

    # After the priority was set, the station changes with its next restart anyway.
    is_open = refused_step == "Reset"
    assert (status, answer["success"]) == (200, False)
    assert (answer["data"]["state"], profiles_of(records, peer)[1]) == (
        ("awaited", 2) if is_open else ("refused", None)
    )
    assert ("next restart" if is_open else "NoSecurityDowngrade") in records.of(TABLE, identity)[0]["reason"]


async def test_A05_nothing_is_sent_before_the_station_has_reported_its_slots(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    async with station(server, version, identity, password=PASSWORD) as peer:
        unknown, refusal = await operator.request("POST", path(peer), body(peer))
        await report_slots(peer, "1", "1")
        full, _ = await operator.request("POST", path(peer), body(peer))
        used, _ = await operator.request("POST", path(peer), body(peer, slot=1))
        weak, _ = await operator.request("POST", path(peer), body(peer, slot=2, csmsUrl="ws://a.example"))
        await peer.heartbeat()

    assert (unknown, full, used, weak) == (409, 409, 400, 400)
    assert "NetworkConfigurationPriority" in refusal["message"]
    assert (records.commands(identity), states(records, peer)) == ([], [])


async def test_A05_a_lower_profile_is_not_sent(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=2)
    lower = {
        "slot": 3, "csmsUrl": "ws://csms.example.com/ocpp", "securityProfile": 1, "interface": "Wired0",
    }  # fmt: skip
    async with station(server, version, identity, password=PASSWORD, headers=BY_TLS) as peer:
        await report_slots(peer)
        declared, refusal = await operator.request("POST", path(peer), body(peer, 1))
        profile = f"/api/v1/chargepoints/{identity}/set-network-profile"
        stored, answer = await operator.request("POST", profile, lower)
        await peer.heartbeat()

    assert (declared, stored) == (409, 400)
    assert "has no way to lower it to 1" in refusal["message"]
    assert "OCPP does not allow to lower it" in answer["message"]
    assert records.commands(identity) == []


async def test_A05_a_profile_that_was_set_by_hand_is_admitted_too(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD)
    by_hand = {"slot": 3, "csmsUrl": URL, "securityProfile": 2, "interface": "Wired0"}
    value = [{**PRIORITY, "attributeValue": "3,1"}]
    result = {"setVariableResult": [{**PRIORITY, "attributeStatus": "Accepted"}]}
    async with station(server, version, identity, password=PASSWORD) as peer:
        await asked(operator, peer, "set-network-profile", by_hand, ACCEPTED)
        before = profiles_of(records, peer)
        await commanded(operator, peer, "SetVariables", {"setVariableData": value}, result)
        await peer.heartbeat()
        waiting = profiles_of(records, peer)
    found = await connects(server, peer, headers=BY_TLS)

    assert (before, waiting, found) == ((1, None), (1, 2), True)
    assert (profiles_of(records, peer), states(records, peer)) == ((2, None), ["proved"])
