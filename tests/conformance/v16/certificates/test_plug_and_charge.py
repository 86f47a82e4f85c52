"""Plug & Charge over 1.6: messages of 2.0.1 inside of a DataTransfer."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.x509 import ocsp

from tests.conformance.contracts import fresh_emaid
from tests.conformance.messages import deviations
from tests.conformance.peer import V16, Peer, at, station
from tests.conformance.v2x.certificates.test_contract_certificates import asked, pooled
from tests.responders import Answer

VENDOR = "org.openchargealliance.iso15118pnc"


async def transferred(peer: Peer, message: str, data: Any) -> tuple[str, Any]:
    """The status of the DataTransfer, and the answer inside of it."""
    text = data if isinstance(data, str) else json.dumps(data)
    sent = {"vendorId": VENDOR, "messageId": message, "data": text}
    answer = await peer.call("DataTransfer", sent)
    if "data" not in answer:
        return answer["status"], None
    assert isinstance(answer["data"], str)
    return answer["status"], json.loads(answer["data"])


def authorize(contract_id: str, **certificate: Any) -> dict[str, Any]:
    return {"idToken": {"idToken": contract_id, "type": "eMAID"}, **certificate}


async def test_C07_a_contract_is_authorized_and_charges(server, records, operators, contract_id):
    contract = operators.contract(contract_id)
    async with station(server, V16) as peer:
        by_chain = await transferred(
            peer, "Authorize", authorize(contract_id, certificate=operators.chain(contract))
        )
        by_hash = await transferred(
            peer,
            "Authorize",
            authorize(contract_id, iso15118CertificateHashData=operators.hash_data(contract)),
        )
        # The vehicle's spelling of the contract id has no check character.
        start = {"connectorId": 1, "idTag": contract_id[:14], "meterStart": 0, "timestamp": at()}
        started = await peer.call("StartTransaction", start)

    accepted = {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}
    assert by_chain == by_hash == ("Accepted", accepted)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert records.transaction(peer.identity)["id_token"] == contract_id[:14]


async def test_C07_a_revoked_contract_and_an_unknown_one_are_refused(server, records, operators, contract_id):
    revoked = operators.contract(contract_id)
    operators.says.revoke(revoked.certificate)
    unknown = fresh_emaid()
    async with station(server, V16) as peer:
        answers = [
            await transferred(peer, "Authorize", authorize(one, certificate=operators.chain(certificate)))
            for one, certificate in ((contract_id, revoked), (unknown, operators.contract(unknown)))
        ]

    assert answers == [
        ("Accepted", {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertificateRevoked"}),
        ("Accepted", {"idTokenInfo": {"status": "Unknown"}, "certificateStatus": "ContractCancelled"}),
    ]
    stored = records.of("transactions_refusal", peer.identity)
    assert [(row["id_token"], row["status"]) for row in stored] == [
        (contract_id, "Invalid"),
        (unknown, "Unknown"),
    ]


async def test_M06_the_response_of_a_responder_is_in_the_data(server, operators):
    (wanted,) = operators.hash_data(operators.contract(fresh_emaid()))[:1]
    async with station(server, V16) as peer:
        status, answer = await transferred(peer, "GetCertificateStatus", {"ocspRequestData": wanted})

    assert (status, answer["status"]) == ("Accepted", "Accepted")
    response = ocsp.load_der_ocsp_response(base64.b64decode(answer["ocspResult"]))
    assert format(response.serial_number, "x") == wanted["serialNumber"]


async def test_M01_a_vehicle_gets_its_contract_certificate(server, pools):
    async with station(server, V16) as peer:
        pools["first"] = pooled("RVhJ")
        given = await transferred(peer, "Get15118EVCertificate", asked())
        pools["first"] = Answer(status=503)
        failed = await transferred(peer, "Get15118EVCertificate", asked())

    assert given == ("Accepted", {"status": "Accepted", "exiResponse": "RVhJ"})
    assert (failed[0], failed[1]["status"], failed[1]["exiResponse"]) == ("Accepted", "Failed", "")


@pytest.mark.parametrize("data", ["", "no JSON", "[]", "{}", '{"idToken": {"idToken": 7}}'])
async def test_data_that_is_no_request_of_201_is_rejected(server, records, data):
    async with station(server, V16) as peer:
        assert await transferred(peer, "Authorize", data) == ("Rejected", None)
        assert await transferred(peer, "GetCRL", {}) == ("UnknownMessageId", None)
        await peer.heartbeat()

    if data not in ("", "[]"):
        assert "unreadable-data" in await deviations(records, peer.identity)
