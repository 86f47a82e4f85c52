"""GetCertificateChainStatus (2.1 M07): each certificate by OCSP or by a revocation list, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ocpp_server.pki import hash_data
from tests.conformance.peer import Refused, fresh, station
from tests.responders import Answer
from tests.unit.pki.made import Made, make


def a_list(issuer: Made, *revoked: Made, days: tuple[float, float] = (-1, 3)) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now + timedelta(days=days[0]))
        .next_update(now + timedelta(days=days[1]))
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def wanted(one: Made, issuer: Made, source: str, *urls: str):
    data = hash_data.of(one.certificate, issuer.certificate).wire()
    return {"source": source, "urls": list(urls), "certificateHashData": data}


async def test_M07_each_certificate_has_the_status_of_its_source(server, operators, version):
    leaf, revoked = operators.contract(fresh()), operators.contract(fresh())
    other = make("Another Sub-CA", by=operators.root, is_ca=True)
    operators.says.revoke(revoked.certificate)
    crl = a_list(operators.root, operators.first)
    url = operators.responder.url

    def answer(path: str, body: bytes) -> Answer:
        return {"/crl": Answer(crl), "/down": Answer(status=503)}.get(path) or operators.says(path, body)

    operators.responder.answer = answer
    requests = [
        wanted(leaf, operators.second, "OCSP", f"{url}/down", url),
        wanted(revoked, operators.second, "OCSP", url),
        wanted(operators.first, operators.root, "CRL", f"{url}/down", f"{url}/crl"),
        wanted(other, operators.root, "CRL", f"{url}/crl"),
    ]
    async with station(server, version) as peer:
        answered = await peer.call("GetCertificateChainStatus", {"certificateStatusRequests": requests})

    found = answered["certificateStatus"]
    assert [one["status"] for one in found] == ["Good", "Revoked", "Revoked", "Good"]
    assert [one["certificateHashData"] for one in found] == [one["certificateHashData"] for one in requests]
    assert [one["source"] for one in found] == ["OCSP", "OCSP", "CRL", "CRL"]
    assert all(datetime.fromisoformat(one["nextUpdate"]) > datetime.now(UTC) for one in found)


async def test_M07_a_source_that_proves_nothing_fails(server, operators, version):
    impostor = make("MO Root", is_ca=True)
    lists = {
        "/forged": a_list(impostor),
        "/old": a_list(operators.root, days=(-9, -1)),
        "/other": a_list(operators.first),
        "/text": b"no list",
    }
    operators.responder.answer = lambda path, body: Answer(lists[path])
    url = operators.responder.url
    requests = [wanted(operators.first, operators.root, "CRL", url + path) for path in lists]
    private = wanted(operators.first, operators.root, "CRL", f"http://localhost:{operators.responder.port}/")
    async with station(server, version) as peer:
        answered = await peer.call("GetCertificateChainStatus", {"certificateStatusRequests": requests})
        asked = len(operators.responder.requests)
        guarded = await peer.call("GetCertificateChainStatus", {"certificateStatusRequests": [private]})
        await peer.heartbeat()

    assert [one["status"] for one in answered["certificateStatus"]] == ["Failed"] * 4
    assert [one["status"] for one in guarded["certificateStatus"]] == ["Failed"]
    assert len(operators.responder.requests) == asked == 4


@pytest.mark.parametrize("requests", [None, []], ids=["null", "empty"])
async def test_M07_a_question_about_no_certificate_is_refused(server, operators, version, requests):
    async with station(server, version) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("GetCertificateChainStatus", {"certificateStatusRequests": requests})
        await peer.heartbeat()

    assert refused.value.code == "OccurrenceConstraintViolation"
