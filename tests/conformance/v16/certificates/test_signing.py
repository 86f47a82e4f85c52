"""Certificates of 1.6 stations (security extension A02), with a real signer in a process of its own."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ocpp_server.pki import parsing
from tests.conformance import certifying
from tests.conformance.certifying import PASSWORD, ask, check_chain, in_state, newest, sent, trusted
from tests.conformance.peer import V16, boot_payload, station
from tests.unit.certificates import csrs


@pytest.fixture(scope="session")
def server(signing):
    return signing


@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
async def test_16_074_a_triggered_certificate_is_signed_sent_and_installed(server, operator, records, kind):
    """The common name is the serial number that the station has reported in its boot."""
    identity = await trusted(operator)
    serial = f"SN-{identity}"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if kind == "RSA" else None
    async with station(server, V16, identity, password=PASSWORD) as peer:
        await peer.call("BootNotification", boot_payload(V16) | {"chargePointSerialNumber": serial})
        body = {"requestedMessage": "SignChargePointCertificate"}
        status, _ = await operator.request(
            "POST", f"/api/v1/chargepoints/{identity}/renew-certificate?wait=false", {}
        )
        assert status == 202
        call = await peer.next_call()
        assert call[2:] == ["ExtendedTriggerMessage", body]
        await peer.answer(call, {"status": "Accepted"})
        assert await ask(peer, csrs.csr(serial, key=key)) == {"status": "Accepted"}
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")

    assert call[3].keys() == {"certificateChain"}
    check_chain(chain, certifying.root(server))
    assert isinstance(chain[1].public_key(), rsa.RSAPublicKey) == (kind == "RSA")
    assert parsing.common_name(chain[0].subject) == serial
    assert request["commonName"] == serial
    (stored,) = records.of("certificates_issuedcertificate", identity)
    assert (stored["state"], stored["sha256"]) == ("installed", parsing.sha256(chain[0]))


async def test_16_077_a_rejected_certificate_and_its_security_event_are_stored(server, operator, records):
    identity = await trusted(operator)
    event = {"type": "InvalidChargePointCertificate", "timestamp": "2026-11-30T10:00:00Z"}
    async with station(server, V16, identity, password=PASSWORD) as peer:
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        call, _ = await sent(peer)
        await peer.answer(call, {"status": "Rejected"})
        assert await peer.call("SecurityEventNotification", event) == {}
        request = await in_state(operator, identity, "refused")

    assert request["reason"] == "Rejected"
    assert [row["type"] for row in records.security_events(identity)] == [event["type"]]
    (stored,) = records.of("certificates_issuedcertificate", identity)
    assert stored["state"] == "refused"


@pytest.mark.parametrize("fault", csrs.FAULTY)
async def test_16_074_a_csr_with_a_fault_is_rejected(server, operator, records, fault):
    make, word = csrs.FAULTY[fault]
    identity = await trusted(operator)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        assert await ask(peer, make()) == {"status": "Rejected"}
        await peer.heartbeat()

    request = await newest(operator, identity)
    assert request["state"] == "rejected"
    assert word in request["reason"]
    assert records.of("certificates_issuedcertificate", identity) == []


async def test_16_074_a_station_that_was_away_gets_its_certificate_after_its_boot(server, operator):
    identity = await trusted(operator)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        peer.abort()
    await in_state(operator, identity, "signed", "sent")
    async with station(server, V16, identity, password=PASSWORD) as peer:
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")
        # An operator may send it again.
        path = f"/api/v1/chargepoints/{identity}/send-certificate"
        asking = asyncio.create_task(operator.request("POST", path, {"signingRequestId": request["id"]}))
        call, again = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        status, answer = await asking

    assert again == chain
    assert (status, answer["data"]["signingRequestId"]) == (200, request["id"])


async def test_16_074_a_short_limit_of_the_station_gets_the_certificate_alone(server, operator):
    """CertificateSignedMaxChainSize: this server knows its CAs anyway."""
    identity = await trusted(operator)
    async with station(server, V16, identity, password=PASSWORD) as peer:
        path = f"/api/v1/chargepoints/{identity}/get-configuration?wait=false"
        await operator.request("POST", path, {})
        call = await peer.next_call()
        assert call[2] == "GetConfiguration"
        limit = {"key": "CertificateSignedMaxChainSize", "readonly": True, "value": "1200"}
        await peer.answer(call, {"configurationKey": [limit]})
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})

    assert len(chain) == 1
    assert len(call[3]["certificateChain"]) <= 1200
