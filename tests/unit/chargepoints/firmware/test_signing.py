"""The checks of a firmware's signature and certificate before a station gets them (A00.FR.706)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from chargepoints.services.firmware import signing
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing
from tests.unit.chargepoints.firmware.signed import CONTENT, NOW, certificate, ec_key, rsa_key, signature
from tests.unit.pki.made import make

DIGEST = hashlib.sha256(CONTENT).hexdigest()
RSA, EC, OTHER = rsa_key(), ec_key(), ec_key()


def refused(field: str, **given: Any) -> str:
    """The sentence of a refusal, which names this field."""
    asked = {"signature": signature(EC), "certificate": certificate(EC), "sha256": DIGEST, "now": NOW}
    with pytest.raises(Invalid) as caught:
        signing.check(**{**asked, **given})
    assert caught.value.errors == [{"field": field, "reason": caught.value.sentence}]
    return caught.value.sentence


@pytest.mark.parametrize(
    ("key", "scheme"),
    [(RSA, "pss"), (RSA, "pkcs1"), (EC, ""), (ec_key(ec.SECP384R1()), "")],
    ids=["RSA-PSS", "PKCS1v15", "P-256", "P-384"],
)
def test_a_signature_over_the_whole_file_is_verified(key: Any, scheme: str) -> None:
    text = signature(key, scheme=scheme)
    spaced = "\n".join(text[at : at + 64] for at in range(0, len(text), 64)) + "\n"

    pem = certificate(key)

    found = signing.check(signature=spaced, certificate=f" {pem}\n", sha256=DIGEST, now=NOW)

    assert found == (text, pem, NOW + timedelta(days=30))


@pytest.mark.parametrize(
    "given",
    [
        {"sha256": hashlib.sha256(CONTENT[:-1]).hexdigest()},
        {"certificate": certificate(OTHER)},
        {"certificate": certificate(RSA)},
        {"signature": signature(EC, CONTENT + b"x")},
        {"signature": signature(EC, hashed=hashes.SHA512())},
        {"signature": "AAAA"},
    ],
    ids=["other file", "other key", "other kind", "other content", "other hash", "no signature"],
)
def test_a_signature_of_something_else_is_refused(given: dict[str, Any]) -> None:
    assert refused("signature", **given).startswith("The signature does not belong to this file")


@pytest.mark.parametrize("text", ["", "  ", "%%%", "ÄÖ", "QUJD="])
def test_a_text_that_is_no_base64_is_refused(text: str) -> None:
    assert "signature" in refused("signature", signature=text).lower()


@pytest.mark.parametrize("text", ["QU%JD", "QUJD-_8="])
def test_base64_with_other_characters_is_not_guessed(text: str) -> None:
    assert refused("signature", signature=text) == "Use the signature in base64."


def test_a_certificate_may_have_all_characters_that_ocpp_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(EC)
    monkeypatch.setattr(signing, "MOST_CERTIFICATE", len(pem))

    assert signing.certified(pem, now=NOW).public_bytes(serialization.Encoding.PEM).decode() == pem


def test_a_signature_longer_than_ocpp_allows_is_refused() -> None:
    assert signing.decoded("A" * 800)
    assert refused("signature", signature="A" * 804) == "OCPP allows 800 characters."


def test_a_signature_needs_the_certificate_and_the_sum_of_the_file() -> None:
    assert refused("signingCertificate", certificate=" ")
    assert "SHA-256" in refused("sha256", sha256="")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"begins": timedelta(seconds=1)}, "not valid before 2026-05-04"),
        ({"ends": timedelta(0)}, "has expired on 2026-05-04"),
        ({"is_ca": True}, "certificate of a CA"),
        ({"signs": False}, "does not allow digital signatures"),
        ({"long_name": "a" * 60 + ".example"}, "OCPP allows 5,500 characters"),
    ],
)
def test_a_certificate_that_must_not_sign_firmware_now_is_refused(how: dict[str, Any], words: str) -> None:
    assert words in refused("signingCertificate", certificate=certificate(EC, **how))


@pytest.mark.parametrize(
    "how",
    [
        {"is_ca": False},
        {"signs": True},
        {"begins": timedelta(0) - timedelta(days=1)},
        {"ends": timedelta(seconds=1)},
    ],
)
def test_a_certificate_at_its_limits_is_accepted(how: dict[str, Any]) -> None:
    pem = certificate(EC, **how)

    assert signing.check(signature=signature(EC), certificate=pem, sha256=DIGEST, now=NOW).certificate == pem


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (rsa_key(1024), "An RSA key of 1024 bits is too short: 2048 at least."),
        (ec_key(ec.SECP192R1()), "The curve secp192r1 is too short: 256 bits at least."),
    ],
)
def test_a_short_key_is_refused(key: Any, words: str) -> None:
    assert refused("signingCertificate", certificate=certificate(key)) == words


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography import x509

    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    pem = built.sign(key, None).public_bytes(serialization.Encoding.PEM).decode()

    assert "needs an RSA key or an elliptic-curve key" in refused("signingCertificate", certificate=pem)


@pytest.mark.parametrize(
    "pem",
    [
        "no certificate",
        certificate(EC) + certificate(OTHER),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nÄ\n-----END CERTIFICATE-----",
        certificate(EC).replace("CERTIFICATE", "X509 CRL"),
    ],
)
def test_anything_but_a_certificate_and_its_cas_is_refused(pem: str) -> None:
    assert refused("signingCertificate", certificate=pem)


def test_a_private_key_is_recognised_and_not_repeated() -> None:
    private = EC.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

    sentence = refused("signingCertificate", certificate=certificate(EC) + private)

    assert "contains a private key" in sentence
    assert private[40:60] not in sentence


@pytest.mark.parametrize(
    ("text", "found"),
    [("", ""), (DIGEST, DIGEST), (DIGEST.upper(), DIGEST), (f" {DIGEST[:32]}:{DIGEST[32:]}\n", DIGEST)],
)
def test_a_sha256_may_be_written_in_several_ways(text: str, found: str) -> None:
    assert signing.checked_sha256(text) == found


@pytest.mark.parametrize("text", ["x" * 64, "0" * 63, "0" * 65, "ä"])
def test_anything_else_is_no_sha256(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        signing.checked_sha256(text)

    assert caught.value.field == "sha256"


def test_with_roots_of_manufacturers_the_certificate_must_lead_to_one() -> None:
    """A00.FR.706. The CAs between may follow the certificate; stations get the certificate alone."""
    years = (NOW - datetime.now(UTC)).days
    span = (years - 100.0, years + 100.0)
    root = make("Manufacturer Root", is_ca=True, days=span)
    below = make("Manufacturer Sub", by=root, is_ca=True, days=span)
    signer = make("Firmware", by=below, key=EC, days=span)
    pem, chain = (parsing.pem_of(*one) for one in ([signer[0]], [signer[0], below[0]]))
    given = {"signature": signature(EC), "sha256": DIGEST, "now": NOW}
    other = make("Other Root", is_ca=True, days=span).certificate

    found = signing.check(certificate=chain, roots=[other, root.certificate], **given)

    assert found.certificate == pem
    assert signing.check(certificate=pem, roots=[], **given).certificate == pem
    words = "It leads to no trusted root of a manufacturer. The issuer of"
    assert refused("signingCertificate", certificate=chain, roots=[other]).startswith(words)
    assert refused("signingCertificate", certificate=pem, roots=[root.certificate]).startswith(words)
    assert "is self-signed" in refused("signingCertificate", roots=[root.certificate])
