"""CertificateHashData, against the CertID of an OCSP request and in the spellings of real stations."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

from ocpp_server.pki import hash_data
from tests.unit.pki.made import make

KEYS: dict[str, Any] = {
    "EC P-256": ec.generate_private_key(ec.SECP256R1()),
    "EC P-521": ec.generate_private_key(ec.SECP521R1()),
    "RSA": rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("kind", KEYS)
def test_hash_data_are_the_cert_id_of_ocsp(kind: str, algorithm: str) -> None:
    issuer = make("Issuer", is_ca=True, key=KEYS[kind])
    leaf = make("CP-1", by=issuer)
    found = hash_data.of(leaf.certificate, issuer.certificate, algorithm)

    builder = ocsp.OCSPRequestBuilder()
    builder = builder.add_certificate(leaf.certificate, issuer.certificate, hash_data.ALGORITHMS[algorithm]())
    wanted = builder.build()
    assert found.issuer_name_hash == wanted.issuer_name_hash.hex()
    assert found.issuer_key_hash == wanted.issuer_key_hash.hex()
    assert found.serial == format(wanted.serial_number, "x")


def test_hash_data_compare_in_every_spelling_of_stations() -> None:
    plain = hash_data.of(make("Root", is_ca=True).certificate, make("Root", is_ca=True).certificate)
    spelled = {name: text.upper() for name, text in plain.wire().items()}
    spelled["serialNumber"] = "00:" + spelled["serialNumber"]

    assert hash_data.read(spelled) == plain
    assert hash_data.read({**spelled, "serialNumber": "0000"}).serial == "0"


def test_a_serial_number_is_hexadecimal_without_leading_zeros() -> None:
    read = {"hashAlgorithm": "SHA256", "issuerNameHash": "0a", "issuerKeyHash": "0B", "serialNumber": "0FFF"}

    assert hash_data.read(read) == ("SHA256", "0a", "0b", format(4095, "x"))
