"""Failed TLS handshakes: their sentences, and the client's certificate as far as it can be read."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ocpp_server.transport.handshake import admission, denial, tls_refusals
from ocpp_server.transport.handshake.admission import Handshake, Refusal
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute
from tests.unit.pki.made import make

ROOT = make("Root", is_ca=True)
LEAF = make("SN-1", by=ROOT)
CHAIN = tuple(one.certificate.public_bytes(Encoding.DER) for one in (LEAF, ROOT))


def error(reason: str) -> ssl.SSLError:
    found = ssl.SSLError(1, reason)
    found.reason = reason
    return found


def refused_certificate(message: str) -> ssl.SSLCertVerificationError:
    found = ssl.SSLCertVerificationError(1, message)
    found.verify_message = message
    return found


@pytest.mark.parametrize(
    ("failure", "words", "is_about_certificate"),
    [
        (refused_certificate("certificate has expired"), "certificate has expired.", True),
        (error("PEER_DID_NOT_RETURN_A_CERTIFICATE"), "sent no client certificate", True),
        (error("TLSV1_ALERT_UNKNOWN_CA"), "the station sent the alert unknown ca.", False),
        (error("SSLV3_ALERT_BAD_CERTIFICATE"), "the station sent the alert bad certificate.", False),
        (error("UNSUPPORTED_PROTOCOL"), "no version of TLS from 1.2 on", False),
        (error("WRONG_VERSION_NUMBER"), "wrong version number.", False),
        (ConnectionAbortedError("late"), "it took too long", False),
        (ConnectionResetError(), "closed the connection", False),
    ],
)
def test_a_failure_is_a_sentence(failure: OSError, words: str, *, is_about_certificate: bool) -> None:
    sentence, found = tls_refusals.explained(failure)

    assert words in sentence and sentence.startswith("The TLS handshake failed: ")
    assert found is is_about_certificate


def message(*certificates: bytes, has_extensions: bool) -> bytes:
    """A Certificate message of TLS 1.3, or of TLS 1.2 without extensions."""
    end = b"\0\0" if has_extensions else b""
    body = b"".join(len(one).to_bytes(3, "big") + one + end for one in certificates)
    body = (b"\0" if has_extensions else b"") + len(body).to_bytes(3, "big") + body
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@pytest.mark.parametrize("has_extensions", [False, True])
def test_the_certificates_of_a_message(*, has_extensions: bool) -> None:
    whole = message(*CHAIN, has_extensions=has_extensions)

    assert tls_refusals.certificates_in(whole) == CHAIN
    assert tls_refusals.certificates_in(message(has_extensions=has_extensions)) == ()
    assert len(tls_refusals.certificates_in(message(*CHAIN * 9, has_extensions=has_extensions))) == 5
    for end in range(0, len(whole), 7):
        assert tls_refusals.certificates_in(whole[:end]) in ((), CHAIN[:1])


def test_a_certificate_is_described() -> None:
    described = tls_refusals.described(CHAIN)

    assert "CN=SN-1,O=CPO, issued by CN=Root,O=CPO, valid from" in described
    assert f"{LEAF.certificate.serial_number:x}" in described
    assert tls_refusals.described([b"0"]) == "Its certificate can't be read."
    assert tls_refusals.described([]) == ""


async def test_an_address_gets_few_descriptions_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[tuple[Handshake, Refusal]] = []

    async def record(*of: Any) -> None:
        stored.append(of)

    monkeypatch.setattr(denial, "record", record)
    monkeypatch.setattr(tls_refusals, "MAX_DESCRIBED", 1)
    monkeypatch.setattr(tls_refusals, "_described", DistinctPerMinute())
    other = make("SN-2", by=ROOT).certificate.public_bytes(Encoding.DER)
    for address, sent in (("192.0.2.1", CHAIN), ("192.0.2.1", [other]), ("192.0.2.2", [other])):
        await tls_refusals.record(address, refused_certificate("expired"), sent)

    assert [refusal.reason.partition("Its certificate")[2][:8] for _, refusal in stored] == [
        ": CN=SN-",
        "",
        ": CN=SN-",
    ]
    assert {refusal.security for _, refusal in stored} == {"RefusedClientCertificate"}
    assert {(handshake.identity, refusal.code) for handshake, refusal in stored} == {
        ("", admission.NO_STATUS)
    }
