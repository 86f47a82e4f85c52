"""Certificates for stations: block A of the certification, with a real signer in a process of its own."""

from __future__ import annotations

import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ocpp_server.pki import parsing
from tests.conformance import certifying
from tests.conformance.certifying import PASSWORD, V2G, ask, check_chain, in_state, newest, sent, trusted
from tests.conformance.peer import eventually, fresh, station
from tests.unit.certificates import csrs


@pytest.fixture(scope="session")
def server(signing):
    return signing


async def triggered(operator, peer, message):
    """Ask the station to renew its certificate by this message; it accepts."""
    path = f"/api/v1/chargepoints/{peer.identity}/renew-certificate?wait=false"
    type = message.removeprefix("Sign")
    status, answer = await operator.request("POST", path, {"certificateType": type})
    assert status == 202, answer
    call = await peer.next_call()
    assert call[2:] == ["TriggerMessage", {"requestedMessage": message}]
    await peer.answer(call, {"status": "Accepted"})


@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
async def test_TC_A_11_a_renewed_certificate_is_signed_sent_and_installed(
    server, operator, records, version, kind
):
    identity = await trusted(operator)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if kind == "RSA" else None
    csr = csrs.csr(identity, key=key)
    async with station(server, version, identity, password=PASSWORD) as peer:
        await triggered(operator, peer, "SignChargingStationCertificate")
        assert await ask(peer, csr) == {"status": "Accepted"}
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")

    assert call[3].keys() == {"certificateChain", "certificateType"}
    assert call[3]["certificateType"] == certifying.STATION
    check_chain(chain, certifying.root(server))
    leaf = chain[0]
    assert isinstance(chain[1].public_key(), rsa.RSAPublicKey) == (kind == "RSA")
    assert parsing.common_name(leaf.subject) == identity
    assert parsing.organization(leaf.subject) == csrs.ORGANIZATION
    assert (request["approvedBy"], request["attempts"]) == ("", 1)
    shown = await certifying.certificate(operator, request["certificateId"])
    assert (shown["state"], shown["sha256"]) == ("installed", parsing.sha256(leaf))
    (stored,) = records.of("certificates_issuedcertificate", identity)
    assert stored["serial"] == format(leaf.serial_number, "x")


async def test_TC_A_12_a_certificate_towards_vehicles_is_signed_by_the_v2g_ca(
    server, operator, records, version
):
    identity = await trusted(operator)
    async with station(server, version, identity, password=PASSWORD) as peer:
        await triggered(operator, peer, "SignV2GCertificate")
        assert await ask(peer, csrs.csr(identity), V2G) == {"status": "Accepted"}
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")

    assert call[3]["certificateType"] == request["certificateType"] == V2G
    check_chain(chain, certifying.root(server, "v2g"))
    (row,) = records.of("certificates_issuedcertificate", identity)
    assert (row["type"], row["state"], row["id"]) == (V2G, "installed", request["certificateId"])


async def test_TC_A_14_a_station_that_rejects_its_certificate_is_shown_with_its_reason(
    server, operator, records, version
):
    identity = await trusted(operator)
    event = {"type": "InvalidChargingStationCertificate", "timestamp": "2026-11-30T10:00:00Z"}
    async with station(server, version, identity, password=PASSWORD) as peer:
        await triggered(operator, peer, "SignChargingStationCertificate")
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        call, _ = await sent(peer)
        await peer.answer(call, {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidCertificate"}})
        assert await peer.call("SecurityEventNotification", event) == {}
        request = await in_state(operator, identity, "refused")

    assert request["reason"] == "Rejected: InvalidCertificate"
    shown = await certifying.certificate(operator, request["certificateId"])
    assert shown["state"] == "refused"
    assert [row["type"] for row in records.security_events(identity)] == [event["type"]]
    (failed,) = records.rows(
        "SELECT data FROM api_events WHERE type = 'certificate.failed' AND station = ?", identity
    )
    assert '"state":"refused"' in failed["data"]


@pytest.mark.parametrize("fault", csrs.FAULTY)
async def test_TC_A_14_a_csr_with_a_fault_is_rejected_with_its_reason(
    server, operator, records, version, fault
):
    make, word = csrs.FAULTY[fault]
    identity = await trusted(operator)
    async with station(server, version, identity, password=PASSWORD) as peer:
        answer = await ask(peer, make())
        await peer.heartbeat()

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidCSR")
    assert word in answer["statusInfo"]["additionalInfo"]
    request = await newest(operator, identity)
    assert (request["state"], request["reason"]) == ("rejected", answer["statusInfo"]["additionalInfo"])
    assert records.of("certificates_issuedcertificate", identity) == []


async def test_TC_A_14_a_csr_for_another_station_organization_or_key_is_rejected(server, operator, version):
    identity, other = await trusted(operator), await trusted(operator)
    key = ec.generate_private_key(ec.SECP256R1())
    async with station(server, version, other, password=PASSWORD) as peer:
        assert await ask(peer, csrs.csr(other, key=key)) == {"status": "Accepted"}
        await sent(peer)
    faulty = {
        "common name": csrs.csr(other),
        "organization": csrs.csr(identity, organization="Another Operator"),
        "Another station": csrs.csr(identity, key=key),
    }
    async with station(server, version, identity, password=PASSWORD) as peer:
        for word, csr in faulty.items():
            answer = await ask(peer, csr)
            assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidCSR")
            assert word in answer["statusInfo"]["additionalInfo"]
        assert not peer.calls


async def test_TC_A_11_a_request_of_a_station_without_a_password_waits_for_an_administrator(
    server, operator, records, version
):
    identity = fresh()
    async with station(server, version, identity) as peer:
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        request = await newest(operator, identity)
        assert request["state"] == "waiting"
        status, answer = await certifying.decide(operator, request["id"], "approve")
        assert status == 200, answer
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")
        assert request["approvedBy"]
        check_chain(chain, certifying.root(server))
        # A second one is declined.
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        request = await newest(operator, identity)
        status, answer = await certifying.decide(operator, request["id"], "reject", reason="Not known.")
        assert (status, answer["data"]["state"], answer["data"]["reason"]) == (200, "declined", "Not known.")
        status, answer = await certifying.decide(operator, request["id"], "approve")
        assert (status, answer["success"]) == (409, False)

    assert len(records.of("certificates_issuedcertificate", identity)) == 1


async def test_TC_A_11_a_repeated_csr_issues_once_and_the_newest_wins(server, operator, records, version):
    identity = await trusted(operator)
    first, second = csrs.csr(identity), csrs.csr(identity)
    async with station(server, version, identity, password=PASSWORD) as peer:
        assert await ask(peer, first) == {"status": "Accepted"}
        call, one = await sent(peer)
    # The station restarts before it answers, and sends the same CSR again.
    async with station(server, version, identity, password=PASSWORD) as peer:
        assert await ask(peer, first) == {"status": "Accepted"}
        call, again = await sent(peer)
        assert again == one
        await peer.answer(call, {"status": "Accepted"})
        await in_state(operator, identity, "installed")
        assert await ask(peer, second) == {"status": "Accepted"}
        call, newer = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        await in_state(operator, identity, "installed")

    assert len(records.of("certificates_issuedcertificate", identity)) == 2
    # A station uses the certificate with the latest notBefore (A02.FR.08).
    assert newer[0].not_valid_before_utc > one[0].not_valid_before_utc


async def test_TC_A_11_too_many_requests_are_rejected(server, operator, version):
    identity = await trusted(operator)
    async with station(server, version, identity, password=PASSWORD) as peer:
        for _ in range(6):
            assert (await ask(peer, "no CSR"))["statusInfo"]["reasonCode"] == "InvalidCSR"
        answer = await ask(peer, csrs.csr(identity))

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "TooManyRequests")


async def test_TC_A_11_a_revoked_certificate_is_in_the_list_of_its_ca(server, operator, version):
    identity = await trusted(operator)
    async with station(server, version, identity, password=PASSWORD) as peer:
        assert await ask(peer, csrs.csr(identity)) == {"status": "Accepted"}
        call, chain = await sent(peer)
        await peer.answer(call, {"status": "Accepted"})
        request = await in_state(operator, identity, "installed")
    number = request["certificateId"]
    path = f"/api/v1/certificates/issued/{number}/revoke"
    status, answer = await operator.request("POST", path, {"reason": "keyCompromise"})
    assert (status, answer["data"]["state"]) == (200, "revoked")

    def entry():
        address = f"http://{server.host}:{server.port}/pki/crl/{request['authorityId']}.crl"
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - the server of this test
            assert answer.headers["Content-Type"] == "application/pkix-crl"
            listed = x509.load_der_x509_crl(answer.read())
        assert listed.is_signature_valid(chain[1].public_key())
        return listed.get_revoked_certificate_by_serial_number(chain[0].serial_number)

    found = await eventually(entry)
    assert found.extensions.get_extension_for_class(x509.CRLReason).value.reason.value == "keyCompromise"
    status, answer = await operator.request("POST", path, {})
    assert status == 409
