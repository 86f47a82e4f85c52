"""From security profile 2 to 3 on real TLS sockets, and in 2.1 back to 2 (16-083, TC_A_19, A05)."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.changing_profiles import (
    PASSWORD,
    asking,
    path,
    profiles_of,
    report_slots,
    states,
    take_steps,
)
from tests.conformance.device_models import report, variable
from tests.conformance.every.security.mutual import CA, Mutual, boot_of
from tests.conformance.peer import V16, V21, VERSIONS, Peer, fresh, station
from tests.unit.pki.made import make


async def by_password(mutual: Mutual, peer: Peer) -> bool:
    """Whether the station can connect with TLS and its password, at the port without client certificates."""
    try:
        async with station(
            mutual.server, peer.version, peer.identity, password=PASSWORD, ssl=mutual.pki.client(), boot=False
        ):
            return True
    except InvalidStatus as refused:
        assert refused.response.status_code == 401
        return False


async def by_certificate(mutual: Mutual, peer: Peer, serial: str) -> str:
    """The answer to the boot of the station at the port for client certificates."""
    client = mutual.pki.client(make(serial, by=CA), CA)
    async with mutual.connect(peer.version, peer.identity, client) as connected:
        answer = await connected.call("BootNotification", boot_of(peer.version, serial))
    return str(answer["status"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_16_083_TC_A_19_from_2_to_3_and_the_password_is_refused(mutual: Mutual, version: str) -> None:
    identity, serial = fresh("MTLS"), fresh("SN")
    await mutual.operator.provision(identity, password=PASSWORD, securityProfile=2, serialNumber=serial)
    how = {"password": PASSWORD, "ssl": mutual.pki.client(), "boot": False}
    async with station(mutual.server, version, identity, **how) as peer:
        await peer.call("BootNotification", boot_of(version, serial))
        if version != V16:
            await report_slots(peer)
        unknown, refusal = await mutual.operator.request("POST", path(peer), {"targetProfile": 3})
        request = asking(mutual.operator, peer, 3)
        calls = await take_steps(peer)
        await request
        waiting = profiles_of(mutual.records, peer)
    both = (await by_password(mutual, peer), await by_certificate(mutual, peer, serial))
    after = (await by_password(mutual, peer), await by_certificate(mutual, peer, serial))

    assert (unknown, "no client certificate of the station" in refusal["message"]) == (409, True)
    wanted = calls[0][3].get("value") or calls[0][3]["connectionData"]["securityProfile"]
    assert int(wanted) == 3
    assert waiting == (2, 3)
    assert (both, after) == ((True, "Accepted"), (False, "Accepted"))
    assert (profiles_of(mutual.records, peer), states(mutual.records, peer)) == ((3, None), ["proved"])
    events = [one["type"] for one in mutual.records.security_events(identity)]
    assert events == ["SecurityProfileChanged", "RefusedClientCertificate"]


async def test_A05_in_2_1_a_station_goes_back_to_its_password(mutual: Mutual) -> None:
    identity, serial = fresh("MTLS"), fresh("SN")
    await mutual.operator.provision(identity, password=PASSWORD, securityProfile=3, serialNumber=serial)
    client = mutual.pki.client(make(serial, by=CA), CA)
    async with mutual.connect(V21, identity, client) as peer:
        await peer.call("BootNotification", boot_of(V21, serial))
        await report_slots(peer)
        await report(peer, 9, variable("SecurityCtrlr", "AllowSecurityProfileDowngrade", "true"))
        before = await by_password(mutual, peer)
        request = asking(mutual.operator, peer, 2)
        await take_steps(peer)
        await request
    both = (await by_certificate(mutual, peer, serial), await by_password(mutual, peer))

    assert (before, both) == (False, ("Accepted", True))
    assert (profiles_of(mutual.records, peer), states(mutual.records, peer)) == ((2, None), ["proved"])
