"""The certificates of a simulated station: hash data, the store, signing requests and signed certificates."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from simulator import V16, V21, V201, Misbehaviour, pki
from simulator.certificates import CSMS, MO, SECC, STATION, V2G, CertificateStore
from simulator.lab_pki import LabPki, authority, issue
from simulator.pki import PathError
from simulator.pnc import VENDOR
from tests.conformance.peer import eventually
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import Csms

LAB = LabPki("CPO")
OTHER = LabPki("Other")


def store(**switches: Any) -> CertificateStore:
    made = CertificateStore(lambda: datetime.now(UTC))
    for name, value in switches.items():
        setattr(made, name, value)
    return made


def requested(
    made: CertificateStore, lab: LabPki = LAB, *uses: str, days: tuple[float, float] = (-1, 90)
) -> str:
    """A signed chain for a new key of the store."""
    key = pki.new_key()
    made.remember_key(frozenset(uses or (STATION,)), key)
    return lab.sign(pki.signing_request(key, pki.subject("S-1", "CPO")), days=days)


# -- hash data


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("kind", ["EC", "RSA2048"])
def test_hash_data_are_the_cert_id_of_ocsp_and_not_hashes_of_the_whole_key(kind: str, algorithm: str) -> None:
    issuer = x509.load_pem_x509_certificate(_self_signed(kind).encode())
    leaf = LAB.contract("DE8AAC1A2B3C4D").chain[0] if kind == "EC" else issuer
    by = LAB.second.certificate if kind == "EC" else issuer

    found = pki.hash_data(leaf, by, algorithm)

    wanted = ocsp.OCSPRequestBuilder().add_certificate(leaf, by, pki.HASHES[algorithm]()).build()
    assert found["issuerNameHash"] == wanted.issuer_name_hash.hex()
    assert found["issuerKeyHash"] == wanted.issuer_key_hash.hex()
    assert int(found["serialNumber"], 16) == leaf.serial_number
    assert not found["serialNumber"].startswith("0")


def _self_signed(kind: str) -> str:
    key = pki.new_key(kind)
    return pki.pem_of([issue(pki.subject("Root", "CPO"), key.public_key(), None, key, is_ca=True)])


# -- the store


def test_a_store_lists_installs_once_and_deletes_in_every_spelling() -> None:
    made = store()
    pem = pki.pem_of([LAB.root.certificate])

    assert [made.install(CSMS, pem), made.install(CSMS, pem), made.install(MO, pem)] == ["Accepted"] * 3
    assert [one.kind for one in made.listed(None)] == [CSMS, MO]
    data = pki.hash_data(LAB.root.certificate, LAB.root.certificate, "SHA512")
    spelled = {name: text.upper() for name, text in data.items()} | {
        "serialNumber": f"00:{data['serialNumber'].upper()}"
    }
    assert [made.delete(spelled), made.delete(spelled), made.delete(spelled)] == [
        "Accepted",
        "Accepted",
        "NotFound",
    ]


def test_a_store_rejects_what_is_no_root_and_what_does_not_fit() -> None:
    made = store(limit=1)
    leaf = LAB.contract("DE8AAC1A2B3C4D")

    assert made.install(CSMS, "no certificate") == "Rejected"
    assert made.install(CSMS, pki.pem_of([leaf.chain[0]])) == "Rejected"
    assert made.install(CSMS, pki.pem_of([LAB.root.certificate])) == "Accepted"
    assert made.install(V2G, pki.pem_of([OTHER.root.certificate])) == "Rejected"


def test_a_second_root_must_be_signed_by_the_one_in_use_and_replaces_it_after_a_connection() -> None:
    made = store(checks_roots=True)
    new = authority("CPO Root 2", "CPO")
    crossed = issue(
        pki.subject("CPO Root 2", "CPO"), new.key.public_key(), LAB.root, LAB.root.key, is_ca=True
    )
    made.install(CSMS, pki.pem_of([LAB.root.certificate]))

    assert made.install(CSMS, pki.pem_of([new.certificate])) == "Rejected"
    assert made.install(CSMS, pki.pem_of([crossed])) == "Accepted"
    assert made.install(CSMS, pki.pem_of([OTHER.root.certificate])) == "Rejected"
    listed = made.listed([CSMS])[1].data
    assert pki.same_hash_data(listed, pki.hash_data(crossed, LAB.root.certificate))

    made.root_in_use = crossed
    made.logged_on()
    assert made.of(CSMS) == [crossed]


def test_a_v2g_chain_is_listed_with_its_cas_and_the_station_certificate_is_not_deleted() -> None:
    made = store()
    made.trust(V2G, LAB.root.certificate)
    made.trust(CSMS, LAB.root.certificate)
    made.accept_signed(requested(made, LAB, SECC), SECC)
    made.accept_signed(requested(made), STATION)

    (chain,) = made.listed(["V2GCertificateChain"])
    leaf = made.own[SECC][0].leaf
    assert chain.data == pki.hash_data(leaf, LAB.second.certificate)
    assert list(chain.children) == [
        pki.hash_data(LAB.second.certificate, LAB.first.certificate),
        pki.hash_data(LAB.first.certificate, LAB.root.certificate),
    ]
    assert made.delete(pki.hash_data(made.own[STATION][0].leaf, LAB.second.certificate)) == "Failed"
    assert made.delete(chain.data) == "Accepted"
    assert made.listed(["V2GCertificateChain"]) == []


@pytest.mark.parametrize(
    ("prepare", "use", "reason"),
    [
        (lambda made: "no chain", STATION, "can't be read"),
        (lambda made: LAB.sign(pki.signing_request(pki.new_key(), pki.subject("S", "CPO"))), None, "the key"),
        (lambda made: requested(made, OTHER), STATION, "candidates exhausted"),
        (requested, SECC, "the request was for ChargingStationCertificate"),
        (lambda made: requested(made, days=(-9, -1)), STATION, "not valid"),
    ],
)
def test_a_signed_certificate_is_refused_with_its_reason(prepare: Any, use: str | None, reason: str) -> None:
    made = store()
    made.trust(CSMS, LAB.root.certificate)

    with pytest.raises(PathError, match=reason):
        made.accept_signed(prepare(made), use)

    assert made.own == {}


def test_the_certificate_that_became_valid_last_wins() -> None:
    made = store()
    made.trust(CSMS, LAB.root.certificate)
    for days in ((-1, 90), (-3, 90), (1, 90)):
        made.accept_signed(requested(made, days=days), STATION)

    now = datetime.now(UTC)
    assert [round((one.leaf.not_valid_before_utc - now) / timedelta(days=1)) for one in made.usable()] == [
        -1,
        -3,
    ]


# -- on the wire


@pytest.mark.parametrize(
    ("trigger", "uses"),
    [
        ("SignChargingStationCertificate", "ChargingStationCertificate"),
        ("SignV2GCertificate", "V2GCertificate"),
        ("SignV2G20Certificate", "V2G20Certificate"),
        ("SignCombinedCertificate", None),
    ],
)
async def test_TC_A_11_TC_A_12_a_triggered_request_leads_to_a_certificate(
    make_station: MakeStation, csms: Csms, trigger: str, uses: str | None
) -> None:
    station = await make_station(V21, settings={"organization": "CPO", "signing_repeats": 0})
    station.certificates.trust(CSMS, LAB.root.certificate)
    station.certificates.trust(V2G, LAB.root.certificate)

    await csms.call(station.identity, "TriggerMessage", {"requestedMessage": trigger})
    request = await csms.wait_for("SignCertificate")
    answer = await csms.call(
        station.identity,
        "CertificateSigned",
        {"certificateChain": LAB.sign(request["csr"]), "requestId": request["requestId"]},
    )

    csr = x509.load_pem_x509_csr(request["csr"].encode())
    assert csr.is_signature_valid
    assert _name(csr, NameOID.COMMON_NAME) == station.serial
    assert _name(csr, NameOID.ORGANIZATION_NAME) == "CPO"
    assert request.get("certificateType") == uses
    assert answer["status"] == "Accepted"
    wanted = [uses] if uses else ["ChargingStationCertificate", "V2GCertificate"]
    assert sorted(station.certificates.own) == wanted


def _name(csr: x509.CertificateSigningRequest, oid: Any) -> str:
    return str(csr.subject.get_attributes_for_oid(oid)[0].value)


async def test_an_rsa_station_of_1_6_gets_a_certificate(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(
        V16, key_kind="RSA2048", names_identity=True, settings={"organization": "CPO"}
    )
    station.certificates.trust(CSMS, LAB.root.certificate)

    trigger = {"requestedMessage": "SignChargePointCertificate"}
    await csms.call(station.identity, "ExtendedTriggerMessage", trigger)
    request = await csms.wait_for("SignCertificate")
    chain = LAB.sign(request["csr"])
    answer = await csms.call(station.identity, "CertificateSigned", {"certificateChain": chain})

    csr = x509.load_pem_x509_csr(request["csr"].encode())
    assert isinstance(csr.public_key(), rsa.RSAPublicKey)
    assert _name(csr, NameOID.COMMON_NAME) == station.identity
    assert answer["status"] == "Accepted"


async def test_TC_A_14_a_rejected_certificate_raises_a_security_event(
    make_station: MakeStation, version: str, csms: Csms
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(rejects_certificates=True))
    station.certificates.trust(CSMS, LAB.root.certificate)

    await station.signing.request(STATION)
    request = await csms.wait_for("SignCertificate")
    chain = LAB.sign(request["csr"])
    answer = await csms.call(station.identity, "CertificateSigned", {"certificateChain": chain})
    event = await csms.wait_for("SecurityEventNotification")

    assert answer["status"] == "Rejected"
    kind = "InvalidChargePointCertificate" if version == V16 else "InvalidChargingStationCertificate"
    assert event["type"] == kind


async def test_a_request_is_repeated_with_doubled_waits_until_the_certificate_comes(
    make_station: MakeStation, csms: Csms
) -> None:
    settings = {"signing_wait": 10, "signing_repeats": 2}
    station = await make_station(V201, settings=settings)
    station.certificates.trust(CSMS, LAB.root.certificate)

    loop = asyncio.get_running_loop()
    began = loop.time()
    await station.signing.request(STATION)
    await csms.wait_for("SignCertificate", 3)

    # 10 s and 20 s at 200 times the speed.
    assert loop.time() - began > 30 / 200 * 0.9
    requests = [x509.load_pem_x509_csr(one["csr"].encode()) for one in csms.payloads("SignCertificate")]
    keys = {
        one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in requests
    }
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("switches", "fault"),
    [
        ({"csr_key": "weak"}, "weak"),
        ({"csr_key": "unproved"}, "signature"),
        ({"csr_common_name": "S-Other"}, "name"),
        ({"csr_organization": "Thief"}, "organization"),
        ({"csr_as_ca": True}, "CA"),
    ],
)
async def test_a_misbehaving_station_sends_a_request_to_refuse(
    make_station: MakeStation, switches: dict[str, Any], fault: str
) -> None:
    station = await make_station(V201, misbehaviour=Misbehaviour(**switches))

    csr = x509.load_pem_x509_csr(station.signing.csr(frozenset({STATION})).encode())

    key = csr.public_key()
    faults = {
        "weak": isinstance(key, rsa.RSAPublicKey) and key.key_size == 1024,
        "signature": not csr.is_signature_valid,
        "name": _name(csr, NameOID.COMMON_NAME) == "S-Other",
        "organization": _name(csr, NameOID.ORGANIZATION_NAME) == "Thief",
        "CA": bool(list(csr.extensions)),
    }
    assert [name for name, is_there in faults.items() if is_there] == [fault]


async def test_a_station_of_1_6_manages_v2g_certificates_in_data_transfer(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V16, settings={"organization": "CPO"})
    csms.scripted["DataTransfer"] = lambda _request: {"status": "Accepted", "data": '{"status":"Accepted"}'}

    async def call(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        request = {"vendorId": VENDOR, "messageId": action, "data": json.dumps(payload)}
        answer = await csms.call(station.identity, "DataTransfer", request)
        assert answer["status"] == "Accepted", answer
        return dict(json.loads(answer["data"]))

    root = {"certificateType": V2G, "certificate": pki.pem_of([LAB.root.certificate])}
    assert (await call("InstallCertificate", root))["status"] == "Accepted"
    await call("TriggerMessage", {"requestedMessage": "SignV2GCertificate"})
    sent = await csms.wait_for("DataTransfer")
    request = json.loads(sent["data"])
    chain = {"certificateChain": LAB.sign(request["csr"]), "certificateType": SECC}
    assert (sent["messageId"], request["certificateType"]) == ("SignCertificate", SECC)
    assert (await call("CertificateSigned", chain))["status"] == "Accepted"

    found = await call("GetInstalledCertificateIds", {"certificateType": ["V2GCertificateChain"]})
    (entry,) = found["certificateHashDataChain"]
    assert len(entry["childCertificateHashData"]) == 2
    deleted = await call("DeleteCertificate", {"certificateHashData": entry["certificateHashData"]})
    assert deleted["status"] == "Accepted"
    unknown = {"vendorId": VENDOR, "messageId": "Reset", "data": "{}"}
    assert (await csms.call(station.identity, "DataTransfer", unknown))["status"] == "UnknownMessageId"


@pytest.mark.parametrize(
    ("switches", "action", "status"),
    [
        ({"refuses_roots": "Rejected"}, "InstallCertificate", "Rejected"),
        ({"refuses_roots": "Failed"}, "InstallCertificate", "Failed"),
        ({"keeps_roots": True}, "DeleteCertificate", "Failed"),
    ],
)
async def test_a_station_may_refuse_roots(  # noqa: PLR0917 - a table's columns
    make_station: MakeStation, csms: Csms, version: str, switches: dict[str, Any], action: str, status: str
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(**switches))
    station.certificates.trust(CSMS, LAB.root.certificate)
    kind = "CentralSystemRootCertificate" if version == V16 else CSMS
    root = LAB.root.certificate
    request = {
        "InstallCertificate": {"certificateType": kind, "certificate": pki.pem_of([root])},
        "DeleteCertificate": {"certificateHashData": pki.hash_data(root, root)},
    }[action]

    assert (await csms.call(station.identity, action, request))["status"] == status


async def test_a_station_asks_for_its_first_certificate_by_itself(
    make_station: MakeStation, csms: Csms, version: str
) -> None:
    station = await make_station(version, renews=True, settings={"signing_repeats": 0})
    station.certificates.trust(CSMS, LAB.root.certificate)
    request = await csms.wait_for("SignCertificate")
    chain = {"certificateChain": LAB.sign(request["csr"])}
    await csms.call(station.identity, "CertificateSigned", chain)

    await station.reconnect()
    await eventually(station.certificates.usable)
    await station.signing.renew()

    assert len(csms.payloads("SignCertificate")) == 1
