"""Certificates of 2.1: the number of the request, the root that it asks for, and ISO 15118-20."""

from __future__ import annotations

import pytest

from ocpp_server.pki import hash_data
from tests.conformance import certifying
from tests.conformance.certifying import PASSWORD, V2G20, ask, check_chain, in_state, sent, trusted
from tests.conformance.peer import V21, eventually, station
from tests.unit.certificates import csrs
from tests.unit.pki import made


@pytest.fixture(scope="session")
def server(signing):
    return signing


async def test_TC_A_12_a_certificate_for_iso_15118_20_repeats_the_number_of_its_request(server, operator):
    identity = await trusted(operator)
    top = certifying.root(server, "v2g")
    asked = hash_data.of(top, top, "SHA384").wire()
    async with station(server, V21, identity, password=PASSWORD) as peer:
        answer = await ask(peer, csrs.csr(identity), V2G20, requestId=4711, hashRootCertificate=asked)
        assert answer == {"status": "Accepted"}
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")

    assert (call[3]["requestId"], call[3]["certificateType"]) == (4711, V2G20)
    assert request["requestNumber"] == 4711
    check_chain(chain, top)


async def test_TC_A_12_a_root_that_we_do_not_have_is_rejected(server, operator):
    identity = await trusted(operator)
    other = made.make("Another V2G Root", is_ca=True).certificate
    asked = hash_data.of(other, other).wire()
    async with station(server, V21, identity, password=PASSWORD) as peer:
        answer = await ask(peer, csrs.csr(identity), V2G20, requestId=1, hashRootCertificate=asked)

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "NotEnabled")
    assert "below that root" in answer["statusInfo"]["additionalInfo"]


def rows(records, identity):
    return records.of("certificates_signingrequest", identity)


async def test_TC_A_11_two_types_at_once_do_not_mix(server, operator, records):
    identity = await trusted(operator)
    types = {1: certifying.STATION, 2: certifying.V2G}
    async with station(server, V21, identity, password=PASSWORD) as peer:
        for number, type in types.items():
            assert (await ask(peer, csrs.csr(identity), type, requestId=number))["status"] == "Accepted"
        for _ in types:
            call, chain = await sent(peer)
            usage = "stations" if call[3]["certificateType"] == certifying.STATION else "v2g"
            assert types[call[3]["requestId"]] == call[3]["certificateType"]
            check_chain(chain, certifying.root(server, usage))
            await peer.answer(call, {"status": "Accepted"})
        await eventually(lambda: all(row["state"] == "installed" for row in rows(records, identity)))

    found = rows(records, identity)
    assert {(row["request_number"], row["type"], row["state"]) for row in found} == {
        (1, certifying.STATION, "installed"),
        (2, certifying.V2G, "installed"),
    }
