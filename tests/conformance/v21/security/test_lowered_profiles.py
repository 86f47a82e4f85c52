"""OCPP 2.1 has a way from security profile 3 to 2, where the station allows it (A05, B09.FR.31, 32)."""

from __future__ import annotations

from tests.conformance.changing_profiles import (
    BY_TLS,
    PASSWORD,
    asking,
    body,
    connects,
    let_time_pass,
    path,
    profiles_of,
    report_slots,
    states,
    take_steps,
)
from tests.conformance.device_models import report, variable
from tests.conformance.peer import Operator, Records, fresh, station
from tests.servers import LiveServer

ALLOWED = variable("SecurityCtrlr", "AllowSecurityProfileDowngrade", "true", dataType="boolean")
FORBIDDEN = variable("SecurityCtrlr", "AllowSecurityProfileDowngrade", "false", dataType="boolean")


async def test_A05_from_3_to_2_where_the_station_has_reported_to_allow_it(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=2)
    async with station(server, version, identity, password=PASSWORD, headers=BY_TLS) as peer:
        # It stays connected: what it has proved is checked at the next connection.
        await operator.change(identity, securityProfile=3)
        await report_slots(peer)
        unknown, _ = await operator.request("POST", path(peer), body(peer))
        await report(peer, 8, FORBIDDEN)
        forbidden, refusal = await operator.request("POST", path(peer), body(peer))
        await report(peer, 9, ALLOWED)
        lowest, _ = await operator.request("POST", path(peer), body(peer, 1))
        request = asking(operator, peer)
        calls = await take_steps(peer)
        await request
        waiting = profiles_of(records, peer)
    plain = await connects(server, peer)
    found = await connects(server, peer, headers=BY_TLS)

    assert (unknown, forbidden, lowest) == (409, 409, 409)
    assert "AllowSecurityProfileDowngrade" in refusal["message"]
    assert calls[0][3]["connectionData"]["securityProfile"] == 2
    assert (waiting, plain, found) == ((3, 2), False, True)
    assert (profiles_of(records, peer), states(records, peer)) == ((2, None), ["proved"])


async def test_A05_a_lower_profile_is_admitted_in_its_time_alone(
    server: LiveServer, operator: Operator, records: Records, version: str
) -> None:
    identity = fresh("SEC")
    await operator.provision(identity, password=PASSWORD, securityProfile=2)
    async with station(server, version, identity, password=PASSWORD, headers=BY_TLS) as peer:
        await operator.change(identity, securityProfile=3)
        await report_slots(peer)
        await report(peer, 9, ALLOWED)
        request = asking(operator, peer)
        await take_steps(peer)
        await request
    let_time_pass(server, peer)
    found = await connects(server, peer, headers=BY_TLS)

    assert (found, profiles_of(records, peer)) == (False, (3, 2))
    assert "client certificate" in records.refusals(identity)[0]["reason"]
