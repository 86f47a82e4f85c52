"""Plug & Charge at a simulated station: a vehicle with a contract, and its requests over all versions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from simulator import V16, V21, V201, Misbehaviour, pki
from simulator.certificates import MO
from simulator.lab_pki import LabPki
from simulator.pnc import VENDOR
from simulator.responder import Responder
from simulator.vehicles import Vehicle
from simulator.wire import CallFailed
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms
from tests.transports import connected

OCSP = "http://ocsp.example.com/"
LAB = LabPki("Lab MO", ocsp_url=OCSP)
EMAID = "DE8AAC1A2B3C4D"
ITEM = pki.hash_data(LAB.second.certificate, LAB.first.certificate) | {"responderURL": OCSP}

Scripted = Callable[[str, dict[str, Any]], None]


@pytest.fixture
def scripted(csms: Csms) -> Scripted:
    """Answer an action of 2.x with this payload, for 1.6 inside a DataTransfer."""

    def script(action: str, payload: dict[str, Any]) -> None:
        csms.scripted[action] = lambda _request: payload

        def wrapped(request: dict[str, Any]) -> dict[str, Any]:
            assert (request["vendorId"], request["messageId"]) == (VENDOR, action)
            return {"status": "Accepted", "data": json.dumps(payload)}

        csms.scripted["DataTransfer"] = wrapped

    return script


async def sent(csms: Csms, version: str, action: str) -> dict[str, Any]:
    """The payload of 2.x that the station sent."""
    if version != V16:
        return await csms.wait_for(action)
    return dict(json.loads((await csms.wait_for("DataTransfer", messageId=action))["data"]))


def answer(status: str, certificate_status: str = "Accepted") -> dict[str, Any]:
    return {"idTokenInfo": {"status": status}, "certificateStatus": certificate_status}


async def test_TC_C_52_a_station_without_the_root_sends_the_certificate_and_charges(
    make_station: MakeStation, csms: Csms, version: str, scripted: Scripted
) -> None:
    station = await make_station(version)
    scripted("Authorize", answer("Accepted"))
    vehicle = LAB.contract(EMAID)

    session = await station.plug_in(vehicle, duration_s=5)

    request = await sent(csms, version, "Authorize")
    assert request == {"idToken": {"idToken": EMAID, "type": "eMAID"}, "certificate": vehicle.pem}
    assert [one.subject for one in x509.load_pem_x509_certificates(vehicle.pem.encode())] == [
        one.subject for one in vehicle.chain
    ]
    assert not session.refused
    if version == V16:
        assert (await csms.wait_for("StartTransaction"))["idTag"] == EMAID
    else:
        event = await csms.wait_for("TransactionEvent")
        assert event["idToken"] == {"idToken": EMAID, "type": "eMAID"}


async def test_TC_C_50_a_station_with_the_root_sends_hash_data(
    make_station: MakeStation, csms: Csms, version: str, scripted: Scripted
) -> None:
    station = await make_station(version)
    station.certificates.trust(MO, LAB.root.certificate)
    scripted("Authorize", answer("Accepted"))

    await station.contracts.authorize(LAB.contract(EMAID))

    request = await sent(csms, version, "Authorize")
    items = request["iso15118CertificateHashData"]
    assert "certificate" not in request
    assert [one["responderURL"] for one in items] == [OCSP] * 3
    assert items[1] == ITEM


@pytest.mark.parametrize(
    ("status", "certificate_status"),
    [("Invalid", "CertificateRevoked"), ("Accepted", "CertChainError"), ("Blocked", "ContractCancelled")],
)
async def test_TC_C_51_a_refused_contract_starts_no_session(
    make_station: MakeStation, csms: Csms, scripted: Scripted, status: str, certificate_status: str
) -> None:
    station = await make_station(V201)
    scripted("Authorize", answer(status, certificate_status))

    session = await station.plug_in(LAB.contract(EMAID), duration_s=5)

    assert session.refused
    assert station.contracts.certificate_status == certificate_status
    assert "TransactionEvent" not in csms.actions()


@pytest.mark.parametrize(
    ("settings", "vehicle"),
    [
        ({"plug_and_charge": "false"}, LAB.contract(EMAID)),
        ({"central_validation": "false"}, LAB.contract(EMAID, is_forged=True)),
        ({"central_validation": "false"}, LAB.contract(EMAID, days=(-9, -1))),
        ({"central_validation": "false"}, LabPki("Other").contract(EMAID)),
    ],
)
async def test_a_contract_that_the_station_must_not_pass_on_is_refused_by_itself(
    make_station: MakeStation, csms: Csms, version: str, settings: dict[str, str], vehicle: Vehicle
) -> None:
    station = await make_station(version, settings=settings)
    station.certificates.trust(MO, LAB.root.certificate)

    assert await station.contracts.authorize(vehicle) == "Invalid"
    assert not {"Authorize", "DataTransfer"} & set(csms.actions())


@pytest.mark.parametrize(("is_allowed", "status"), [("true", "Accepted"), ("false", "Invalid")])
async def test_an_offline_station_validates_a_contract_itself_where_it_may(
    make_station: MakeStation, is_allowed: str, status: str
) -> None:
    station = await make_station(V201, settings={"validation_offline": is_allowed})
    station.certificates.trust(MO, LAB.root.certificate)
    await station.go_offline()

    assert await station.contracts.authorize(LAB.contract(EMAID)) == status
    assert await station.contracts.authorize(LabPki("Other").contract(EMAID)) == "Invalid"


async def test_a_misbehaving_station_sends_neither_certificate_nor_hash_data(
    make_station: MakeStation, csms: Csms, scripted: Scripted
) -> None:
    station = await make_station(V201, misbehaviour=Misbehaviour(refuses_contracts=True))
    scripted("Authorize", answer("Invalid", "NoCertificateAvailable"))

    await station.contracts.authorize(LAB.contract(EMAID))

    assert set(await csms.wait_for("Authorize")) == {"idToken"}


async def test_TC_M_26_a_vehicle_gets_its_contract_through_the_station(
    make_station: MakeStation, csms: Csms, version: str, scripted: Scripted
) -> None:
    station, vehicle = await make_station(version), LAB.contract(EMAID)
    scripted("Get15118EVCertificate", {"status": "Accepted", "exiResponse": "gJgC"})

    found = await station.contracts.install(vehicle, "gJgB")

    assert (found["status"], vehicle.installed) == ("Accepted", ["gJgC"])
    assert await sent(csms, version, "Get15118EVCertificate") == {
        "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
        "action": "Install",
        "exiRequest": "gJgB",
    }


async def test_TC_M_24_a_station_asks_for_the_status_of_its_cas(
    make_station: MakeStation, csms: Csms, version: str, scripted: Scripted
) -> None:
    station = await make_station(version)
    scripted("GetCertificateStatus", {"status": "Accepted", "ocspResult": "MAo="})

    assert (await station.contracts.status(ITEM))["ocspResult"] == "MAo="
    assert (await sent(csms, version, "GetCertificateStatus"))["ocspRequestData"] == ITEM


async def test_a_station_of_2_1_asks_for_the_status_of_a_chain(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V21)
    data = {name: value for name, value in ITEM.items() if name != "responderURL"}
    result = {
        "source": "OCSP",
        "status": "Good",
        "nextUpdate": datetime.now(UTC).isoformat(),
        "certificateHashData": data,
    }
    csms.scripted["GetCertificateChainStatus"] = lambda _request: {"certificateStatus": [result]}

    found = await station.contracts.chain_status([ITEM])

    assert found["certificateStatus"][0]["status"] == "Good"
    (asked,) = (await csms.wait_for("GetCertificateChainStatus"))["certificateStatusRequests"]
    assert asked == {"source": "OCSP", "urls": [OCSP], "certificateHashData": data}
    with pytest.raises(RuntimeError):
        await (await make_station(V201, "CS 2")).contracts.chain_status([ITEM])


@pytest.mark.parametrize(
    "reply", [{"status": "UnknownVendorId"}, {"status": "Accepted"}, {"status": "Accepted", "data": "[]"}]
)
async def test_a_data_transfer_without_a_usable_answer_fails(
    make_station: MakeStation, csms: Csms, reply: dict[str, Any]
) -> None:
    station = await make_station(V16)
    csms.scripted["DataTransfer"] = lambda _request: reply

    with pytest.raises(CallFailed):
        await station.contracts.status(ITEM)


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
async def test_the_responder_of_the_lab_answers_over_http(algorithm: str) -> None:
    lab = LabPki("Lab MO")
    responder = Responder(lab)
    port = await responder.start()
    good, revoked = lab.contract(EMAID), lab.contract(EMAID, is_revoked=True)
    other = LabPki("Other").contract(EMAID)

    async def asked(leaf: pki.Certificate, issuer: pki.Certificate) -> ocsp.OCSPResponse:
        builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, pki.HASHES[algorithm]())
        body = builder.build().public_bytes(Encoding.DER)
        async with connected("127.0.0.1", port) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            head, _, der = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        return ocsp.load_der_ocsp_response(der)

    try:
        answers = [await asked(*one.chain[:2]) for one in (good, revoked)]
        statuses = [one.certificate_status for one in answers]
        assert statuses == [ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED]
        key: Any = lab.second.certificate.public_key()
        key.verify(answers[0].signature, answers[0].tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
        assert answers[0].certificates == [lab.second.certificate]
        stranger = await asked(*other.chain[:2])
        assert stranger.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED
        malformed = ocsp.load_der_ocsp_response(responder.answer(b"no DER"))
        assert malformed.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    finally:
        await responder.stop()
