"""GetCertificateStatus (2.x M06), with a responder over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import threading

from cryptography.x509 import ocsp

from ocpp_server.pki import hash_data
from tests.conformance.peer import V201, fresh, station
from tests.responders import Answer


def asked(operators, certificate, issuer, **other):
    data = hash_data.of(certificate.certificate, issuer.certificate).wire()
    return {"ocspRequestData": data | {"responderURL": operators.responder.url} | other}


async def test_TC_M_24_the_station_gets_the_response_of_the_responder(server, records, operators, version):
    revoked = operators.contract(fresh())
    operators.says.revoke(revoked.certificate)
    async with station(server, version) as peer:
        for one, issuer, status in (
            (operators.second, operators.first, "GOOD"),
            (operators.first, operators.root, "GOOD"),
            (revoked, operators.second, "REVOKED"),
        ):
            answer = await peer.call("GetCertificateStatus", asked(operators, one, issuer))

            assert answer["status"] == "Accepted"
            response = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"], validate=True))
            assert response.serial_number == one.certificate.serial_number
            assert response.certificate_status.name == status
            (row,) = records.rows(
                "SELECT status FROM certificates_ocspresponse WHERE serial = ?",
                format(one.certificate.serial_number, "x"),
            )
            assert row["status"] == status.lower()


async def test_M06_another_spelling_of_the_hash_data_is_the_same_certificate(server, operators, version):
    one = operators.contract(fresh())
    data = asked(operators, one, operators.second)["ocspRequestData"]
    spelled = {name: data[name].upper() for name in ("issuerNameHash", "issuerKeyHash")}
    serial = data["serialNumber"].upper().zfill(40)
    async with station(server, version) as peer:
        request = {"ocspRequestData": data | spelled | {"serialNumber": serial}}
        answers = [await peer.call("GetCertificateStatus", request) for _ in range(2)]

    assert answers[0]["status"] == "Accepted"
    assert answers[1] == answers[0]
    assert len(operators.responder.requests) == 1


async def test_M06_a_failure_has_its_reason_and_the_station_goes_on(server, records, operators, version):
    one = operators.contract(fresh())
    web = operators.responder
    cases = [
        ({"responderURL": f"http://localhost:{web.port}/"}, "AddressRefused"),
        ({"responderURL": "http://169.254.169.254/latest"}, "AddressRefused"),
        ({"responderURL": "ftp://ocsp.example/"}, "AddressRefused"),
        ({"issuerNameHash": "zz"}, "InvalidValue"),
    ]
    async with station(server, version) as peer:
        found = []
        for other, _ in cases:
            answer = await peer.call("GetCertificateStatus", asked(operators, one, operators.second, **other))
            found.append((answer["status"], answer["statusInfo"]["reasonCode"]))
        assert web.requests == []
        operators.responder.answer = lambda path, body: Answer(b"", 302, (("Location", "/"),))
        redirected = await peer.call("GetCertificateStatus", asked(operators, one, operators.second))
        operators.responder.answer = lambda path, body: Answer(b"x" * 70_000)
        long = await peer.call("GetCertificateStatus", asked(operators, one, operators.second))
        await peer.heartbeat()

    assert found == [("Failed", reason) for _, reason in cases]
    assert "ocspResult" not in long
    assert (redirected["status"], long["status"]) == ("Failed", "Failed")
    assert len(web.requests) == 2
    serial = format(one.certificate.serial_number, "x")
    assert records.rows("SELECT 1 FROM certificates_ocspresponse WHERE serial = ?", serial) == []


async def test_M06_a_slow_responder_keeps_no_other_station_waiting(server, operators, version):
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: str, body: bytes) -> Answer:
        begun.set()
        assert go_on.wait(10)
        return operators.says(path, body)

    operators.responder.answer = slow
    asking = asked(operators, operators.contract(fresh()), operators.second)
    async with station(server, version) as peer, station(server, version) as other:
        waiting = asyncio.create_task(peer.call("GetCertificateStatus", asking))
        assert await asyncio.to_thread(begun.wait, 10)
        await other.heartbeat()
        assert not waiting.done()
        go_on.set()

        assert (await waiting)["status"] == "Accepted"


async def test_M06_a_response_that_does_not_fit_fails(server, operators, version):
    """2.0.1 has 5,500 characters for it, 2.1 18,000."""
    one = operators.contract(fresh())
    operators.says.padding = 5000 if version == V201 else 15_000
    async with station(server, version) as peer:
        answer = await peer.call("GetCertificateStatus", asked(operators, one, operators.second))
        operators.says.padding = 0
        fits = await peer.call(
            "GetCertificateStatus", asked(operators, operators.contract(fresh()), operators.second)
        )

    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "TooLargeElement")
    assert fits["status"] == "Accepted"
