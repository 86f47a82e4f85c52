"""Revocation lists: what they prove about a certificate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from ocpp_server.pki import crl, hash_data
from ocpp_server.pki.crl import Listed
from ocpp_server.pki.ocsp import Untrusted
from tests.unit.pki.made import Made, make

NOW = datetime.now(UTC).replace(microsecond=0)
CA = make("CA", is_ca=True)
GOOD, REVOKED = make("Good", by=CA), make("Revoked", by=CA)
ENDS = NOW + timedelta(days=3)


def a_list(
    issuer: Made = CA, *, days: tuple[float, float] = (-1, 3), encoding: Encoding = Encoding.DER
) -> bytes:
    entry = x509.RevokedCertificateBuilder().serial_number(REVOKED.certificate.serial_number)
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW + timedelta(days=days[0]))
        .next_update(NOW + timedelta(days=days[1]))
        .add_revoked_certificate(entry.revocation_date(NOW).build())
        .sign(issuer.key, hashes.SHA256())
        .public_bytes(encoding)
    )


def read(content: bytes, one: Made = GOOD, issuers: tuple[Made, ...] = (CA,)) -> Listed:
    data = hash_data.of(one.certificate, CA.certificate)
    return crl.read(content, data, [issuer.certificate for issuer in issuers], at=NOW)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
@pytest.mark.parametrize("issuers", [(CA,), ()], ids=["known issuer", "unknown issuer"])
def test_a_certificate_is_revoked_if_it_is_in_the_list(encoding: Encoding, issuers: tuple[Made, ...]) -> None:
    content = a_list(encoding=encoding)

    assert read(content, GOOD, issuers) == Listed(False, ENDS)
    assert read(content, REVOKED, issuers) == Listed(True, ENDS)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (a_list(make("CA", is_ca=True)), "not signed"),
        (a_list(make("Other", is_ca=True)), "another issuer"),
        (a_list(days=(-9, -1)), "out of date"),
        (a_list(days=(1, 3)), "from the future"),
        (b"", "no revocation list"),
        (b"-----BEGIN X509 CRL-----", "no revocation list"),
        (b"<html>", "no revocation list"),
    ],
)
def test_another_list_proves_nothing(content: bytes, sentence: str) -> None:
    with pytest.raises(Untrusted, match=sentence):
        read(content)
