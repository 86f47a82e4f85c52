"""The certificate that a 1.6 station shows to vehicles: SignCertificate and CertificateSigned of 2.0.1 inside
of DataTransfers, with a real signer in a process of its own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.pki import parsing
from tests.conformance import certifying
from tests.conformance.certifying import PASSWORD, V2G, check_chain, in_state, trusted
from tests.conformance.peer import V16, Peer, station
from tests.unit.certificates import csrs

VENDOR = "org.openchargealliance.iso15118pnc"


@pytest.fixture(scope="session")
def server(signing):
    return signing


async def asked(peer: Peer, csr: str) -> tuple[str, Any]:
    data = json.dumps({"csr": csr, "certificateType": V2G})
    sent = {"vendorId": VENDOR, "messageId": "SignCertificate", "data": data}
    answer = await peer.call("DataTransfer", sent)
    return answer["status"], json.loads(answer["data"])


async def sent(peer: Peer) -> tuple[list[Any], dict[str, Any]]:
    """The next DataTransfer of the server, and the CertificateSigned inside of it."""
    call = await peer.next_call()
    assert call[2] == "DataTransfer", call
    assert (call[3]["vendorId"], call[3]["messageId"]) == (VENDOR, "CertificateSigned")
    return call, json.loads(call[3]["data"])


async def test_A02_a_16_station_gets_its_certificate_for_vehicles(server, operator, records):
    identity = await trusted(operator)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        assert await asked(peer, csrs.csr(identity)) == ("Accepted", {"status": "Accepted"})
        call, signed = await sent(peer)
        await peer.answer(call, {"status": "Accepted", "data": json.dumps({"status": "Accepted"})})
        request = await in_state(operator, identity, "installed")

    assert signed["certificateType"] == request["certificateType"] == V2G
    chain = parsing.certificates(signed["certificateChain"], field="chain")
    check_chain(chain, certifying.root(server, "v2g"))
    (stored,) = records.of("certificates_issuedcertificate", identity)
    assert (stored["type"], stored["state"]) == (V2G, "installed")


async def test_A02_a_refusal_inside_of_the_data_is_one(server, operator, records):
    identity = await trusted(operator)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        status, answer = await asked(peer, "no CSR")
        assert (status, answer["status"]) == ("Accepted", "Rejected")
        assert answer["statusInfo"]["reasonCode"] == "InvalidCSR"
        await asked(peer, csrs.csr(identity))
        call, _ = await sent(peer)
        await peer.answer(call, {"status": "Accepted", "data": json.dumps({"status": "Rejected"})})
        await in_state(operator, identity, "refused")

    (stored,) = records.of("certificates_issuedcertificate", identity)
    assert stored["state"] == "refused"


@pytest.mark.parametrize("data", [None, "[]"])
async def test_A02_an_answer_without_an_answer_inside_is_none(server, operator, data):
    """It is sent again later."""
    identity = await trusted(operator)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        await asked(peer, csrs.csr(identity))
        call, _ = await sent(peer)
        await peer.answer(call, {"status": "Accepted"} | ({} if data is None else {"data": data}))
        await peer.heartbeat()

        assert (await in_state(operator, identity, "sent", "signed"))["state"] in ("sent", "signed")
