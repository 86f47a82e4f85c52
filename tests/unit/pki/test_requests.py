"""CSRs: what is refused without knowing the station."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448

from ocpp_server.domain import Invalid
from ocpp_server.pki import requests
from tests.unit.certificates import csrs


@pytest.mark.parametrize("fault", csrs.FAULTY)
def test_a_csr_with_a_fault_is_refused_with_its_reason(fault: str) -> None:
    make, word = csrs.FAULTY[fault]

    with pytest.raises(Invalid, match=word):
        requests.read(make())


@pytest.mark.parametrize("kind", ["P-256", "P-521", "RSA"])
def test_a_good_csr_is_read_with_its_names_and_the_digests_of_itself_and_its_key(kind: str) -> None:
    keys = {
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
    }
    key = keys.get(kind) or csrs.rsa_key()
    first, second = csrs.csr("CP-1", key=key), csrs.csr("CP-2", key=key)

    one, other = requests.read(first), requests.read(second)

    assert (one.common_name, one.organization) == ("CP-1", csrs.ORGANIZATION)
    assert one.key_sha256 == other.key_sha256 == requests.key_digest(key.public_key())
    assert one.digest != other.digest
    assert one.digest == requests.read(first.replace("\n", "\r\n")).digest


def test_a_csr_with_its_own_name_as_an_alternative_and_ed448_is_read() -> None:
    alternative = x509.SubjectAlternativeName([x509.DNSName("cp-1")])

    assert requests.read(csrs.csr(more=(alternative,))).common_name == "CP-1"

    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CP-1")])
    )
    signed = builder.sign(ed448.Ed448PrivateKey.generate(), None)
    pem = signed.public_bytes(requests.Encoding.PEM).decode()
    assert requests.read(pem).organization == ""
