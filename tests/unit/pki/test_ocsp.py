"""OCSP responses: what they prove, and what they don't."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from ocpp_server.pki import hash_data, ocsp
from ocpp_server.pki.ocsp import Status, Untrusted
from tests.responders import GOOD, REVOKED, UNKNOWN, Statuses
from tests.unit.pki.made import make

NOW = datetime.now(UTC)
CA = make("Sub-CA", by=make("Root", is_ca=True), is_ca=True)
LEAF = make("Leaf", by=CA)
DATA = hash_data.of(LEAF.certificate, CA.certificate)
_FOR_OCSP = ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),)
_FOR_SERVERS = ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),)


def answered(says: Statuses) -> bytes:
    return says.response(ocsp.request(DATA))


def test_the_request_names_the_certificate_by_its_hashes():
    asked = library.load_der_ocsp_request(ocsp.request(DATA))

    assert asked.serial_number == LEAF.certificate.serial_number
    assert asked.issuer_name_hash.hex() == DATA.issuer_name_hash
    assert asked.issuer_key_hash.hex() == DATA.issuer_key_hash


@pytest.mark.parametrize("field", ["algorithm", "issuer_name_hash", "issuer_key_hash", "serial"])
@pytest.mark.parametrize("value", ["", "xy", "ab", "SHA1"])
def test_hash_data_of_no_certificate_makes_no_request(field, value):
    if field == "serial" and value == "ab":
        return
    with pytest.raises((ValueError, KeyError)):
        ocsp.request(DATA._replace(**{field: value}))


@pytest.mark.parametrize(
    ("status", "read"), [(GOOD, Status.GOOD), (REVOKED, Status.REVOKED), (UNKNOWN, Status.UNKNOWN)]
)
@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
def test_a_response_of_the_issuer_is_proved(status, read, algorithm):
    data = hash_data.of(LEAF.certificate, CA.certificate, algorithm)
    says = Statuses(by=CA, default=status)
    says.certificates = []

    response = ocsp.read(says.response(ocsp.request(data)), data, [CA.certificate], at=NOW)

    assert (response.status, response.is_proved) == (read, True)


def test_the_issuer_may_come_with_the_response():
    """The hash data names its key."""
    assert ocsp.read(answered(Statuses(by=CA)), DATA, [], at=NOW).is_proved


def test_a_delegate_of_the_issuer_may_sign():
    says = Statuses(by=make("Responder", by=CA, more=_FOR_OCSP))

    assert ocsp.read(answered(says), DATA, [CA.certificate], at=NOW).is_proved


@pytest.mark.parametrize(
    "signer",
    [
        make("Responder", by=CA),
        make("Responder", by=CA, more=_FOR_SERVERS),
        make("Responder", by=CA, more=_FOR_OCSP, days=(-9, -1)),
        make("Responder", by=make("Sub-CA", is_ca=True), more=_FOR_OCSP),
        make("Sub-CA", is_ca=True),
    ],
    ids=["no usage", "another usage", "expired", "of another CA", "another CA of the same name"],
)
def test_another_signer_proves_nothing(signer):
    with pytest.raises(Untrusted, match="not signed"):
        ocsp.read(answered(Statuses(by=signer)), DATA, [CA.certificate], at=NOW)


def test_without_the_issuer_a_response_is_not_proved():
    says = Statuses(by=make("Responder", by=CA, more=_FOR_OCSP))

    assert not ocsp.read(answered(says), DATA, [], at=NOW).is_proved


@pytest.mark.parametrize(("days", "sentence"), [((-9, -1), "out of date"), ((1, 2), "from the future")])
def test_a_response_counts_in_its_time_alone(days, sentence):
    says = Statuses(by=CA)
    says.days = days

    with pytest.raises(Untrusted, match=sentence):
        ocsp.read(answered(says), DATA, [CA.certificate], at=NOW)


def test_a_response_about_another_certificate_proves_nothing():
    says = Statuses(by=CA)
    says.is_about_another = True

    with pytest.raises(Untrusted, match="another certificate"):
        ocsp.read(answered(says), DATA, [CA.certificate], at=NOW)


def test_a_refusal_of_the_responder_is_no_response():
    refused = library.OCSPResponseBuilder.build_unsuccessful(library.OCSPResponseStatus.UNAUTHORIZED)

    with pytest.raises(Untrusted, match="UNAUTHORIZED"):
        ocsp.read(refused.public_bytes(Encoding.DER), DATA, [], at=NOW)


@pytest.mark.parametrize("der", [b"", b"<html>", b"\x30\x03\x0a\x01\x00"])
def test_another_text_is_no_response(der):
    with pytest.raises(Untrusted):
        ocsp.read(der, DATA, [], at=NOW)


def test_one_wrong_bit_of_the_signature_is_found():
    says = Statuses(by=CA)
    says.certificates = []
    der = bytearray(answered(says))
    der[-1] ^= 1

    with pytest.raises(Untrusted):
        ocsp.read(bytes(der), DATA, [CA.certificate], at=NOW + timedelta(seconds=1))


def test_the_responders_of_a_certificate_are_in_its_access_information():
    named = [
        x509.AccessDescription(kind, x509.UniformResourceIdentifier(url))
        for kind, url in (
            (AuthorityInformationAccessOID.CA_ISSUERS, "http://ca.example/ca.der"),
            (AuthorityInformationAccessOID.OCSP, "http://ocsp.example/"),
        )
    ]
    leaf = make("Leaf", by=CA, more=((x509.AuthorityInformationAccess(named), False),))

    assert ocsp.responders(leaf.certificate) == ["http://ocsp.example/"]
    assert ocsp.responders(LEAF.certificate) == []
