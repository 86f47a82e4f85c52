"""Campaigns of the kind "security-profile": a station is done when it has connected at the new profile."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.conformance.campaigning import created, details, ended, results
from tests.conformance.changing_profiles import (
    BY_TLS,
    FORCED,
    PASSWORD,
    URL,
    change_is,
    connects,
    let_time_pass,
    profiles_of,
    report_slots,
    take_steps,
)
from tests.conformance.peer import V16, V21, V201, Operator, Records, eventually, fresh, station
from tests.servers import LiveServer

ARGUMENTS = {"targetProfile": 2, "csmsUrl": URL, **FORCED}


async def test_A05_a_campaign_is_judged_by_the_connections_of_its_stations(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    names = {"old": V16, "new": V201, "falls-back": V16, "rejects": V21, "has-it": V16, "stays": V16}
    peers = {}
    async with AsyncExitStack() as stack:
        for name, version in names.items():
            identity, has_it = fresh(name), name == "has-it"
            await operator.provision(identity, password=PASSWORD, securityProfile=2 if has_it else 1)
            how = {"headers": BY_TLS} if has_it else {}
            connection = station(server, version, identity, password=PASSWORD, **how)
            peers[name] = await stack.enter_async_context(connection)
            if version != V16:
                await report_slots(peers[name])
        found = [peer.identity for peer in peers.values()]
        one = await created(operator, "security-profile", ARGUMENTS, found, deadlineAt="2099-01-01T00:00:00Z")
        for name in ("old", "new", "falls-back", "stays"):
            await take_steps(peers[name])
        call = await peers["rejects"].next_call()
        await peers["rejects"].answer(call, {"status": "Rejected"})
        await eventually(
            lambda: [profiles_of(records, peers[n])[1] for n in ("rejects", "stays")] == [None, 2]
        )
        for name in ("old", "new", "falls-back"):
            await peers[name].socket.close()
        tls = [await connects(server, peers[name], headers=BY_TLS) for name in ("old", "new")]
        for name in ("falls-back", "stays"):
            await change_is(records, peers[name], "awaited")
            let_time_pass(server, peers[name])
        plain = await connects(server, peers["falls-back"])
        campaign = await ended(operator, one, records)

    assert (tls, plain) == ([True, True], True)
    shown, words = await results(operator, one), await details(operator, one)
    assert {name: (shown[peer.identity], words[peer.identity]) for name, peer in peers.items()} == {
        "old": ("done", "Connected at profile 2"),
        "new": ("done", "Connected at profile 2"),
        "falls-back": (
            "failed no-effect",
            "The station has returned at security profile 1: it could not use 2.",
        ),
        "rejects": ("failed rejected", "The station answered SetNetworkProfile with Rejected."),
        "has-it": ("skipped", "The station has security profile 2 already."),
        "stays": (
            "failed no-effect",
            "The station has not connected again: both profiles are admitted.",
        ),
    }
    assert campaign["kind"] == "security-profile"
    assert [profiles_of(records, peers[name]) for name in ("old", "falls-back", "stays")] == [
        (2, None),
        (1, None),
        (1, 2),
    ]
