"""TLS handshakes that failed, shown to the operator: there is no URL yet, so no identity either.

The client's certificate is described as it came. It proves nothing, and each address gets a few descriptions
a minute, so that it can't fill the list with invented ones.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import Final

import structlog
from cryptography import x509

from ocpp_server.addresses import address_key
from ocpp_server.observability import measures
from ocpp_server.pki import parsing
from ocpp_server.transport.handshake import client_certificates, denial
from ocpp_server.transport.handshake.admission import NO_STATUS, Handshake, Refusal
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute

log = structlog.get_logger(__name__)

# The certificates of one address that are described within a minute.
MAX_DESCRIBED: Final = 60
_NO_CERTIFICATE: Final = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
_ALERT: Final = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_ALERT_(.+)")
_WORDS: Final = {
    _NO_CERTIFICATE: "the station sent no client certificate, which this port requires",
    "HTTP_REQUEST": "the station spoke plain HTTP, without TLS",
    "UNSUPPORTED_PROTOCOL": "the station offers no version of TLS from 1.2 on",
    "NO_SHARED_CIPHER": "the station offers no cipher suite of this server",
}

_described = DistinctPerMinute()


async def record(address: str, error: OSError, sent: Sequence[bytes]) -> None:
    """Log, count and store a failed TLS handshake. `sent` are the certificates of the client, in DER."""
    measures.handshakes.add("tls")
    sentence, is_about_certificate = explained(error)
    description = described(sent)
    if description and not _described.refused(address_key(address), description, MAX_DESCRIBED):
        sentence = f"{sentence} {description}"
    refusal = Refusal(
        NO_STATUS, sentence[:500], security=client_certificates.REFUSED if is_about_certificate else ""
    )
    handshake = Handshake(
        path="",
        identity="",
        offered=[],
        address=address,
        authorization=None,
        origin="",
        is_tls=True,
        protocol_header="",
    )
    await denial.record(handshake, refusal)


def explained(error: OSError) -> tuple[str, bool]:
    """The reason of a failed TLS handshake as a sentence, and whether it is the client's certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The TLS handshake failed: {error.verify_message.rstrip('.')}.", True
    if not isinstance(error, ssl.SSLError):
        is_late = isinstance(error, ConnectionAbortedError)
        fault = "it took too long" if is_late else "the station closed the connection"
        return f"The TLS handshake failed: {fault}.", False
    reason = error.reason or "unknown error"
    if alert := _ALERT.fullmatch(reason):
        return f"The TLS handshake failed: the station sent the alert {_spelled(alert[1])}.", False
    return f"The TLS handshake failed: {_WORDS.get(reason) or _spelled(reason)}.", reason == _NO_CERTIFICATE


def described(sent: Sequence[bytes]) -> str:
    """The first of these certificates, in a sentence; empty if there is none."""
    if not sent:
        return ""
    try:
        one = parsing.read(x509.load_der_x509_certificate(sent[0]))
    except parsing.UNREADABLE:
        return "Its certificate can't be read."
    subject, issuer = (name.rfc4514_string()[:120] or "without a name" for name in (one.subject, one.issuer))
    first, last = parsing.day(one.not_valid_before_utc), parsing.day(one.not_valid_after_utc)
    return (
        f"Its certificate: {subject}, issued by {issuer}, valid from {first} to {last}, "
        f"serial number {one.serial_number:x}."
    )


def certificates_in(message: bytes) -> tuple[bytes, ...]:
    """The certificates of a Certificate message, in DER: RFC 5246 7.4.2, RFC 8446 4.4.2. The reading
    ends where the message makes no sense.
    """
    body = message[4:]
    # TLS 1.3 has a context, empty in a handshake, before the list, and extensions after each certificate.
    has_extensions = len(body) > 3 and body[0] == 0 and _number(body, 1) == len(body) - 4
    at = 4 if has_extensions else 3
    found: list[bytes] = []
    while at + 3 <= len(body) and len(found) < client_certificates.MOST:
        end = at + 3 + _number(body, at)
        if end > len(body):
            break
        found.append(body[at + 3 : end])
        at = end + (2 + int.from_bytes(body[end : end + 2], "big") if has_extensions else 0)
    return tuple(found)


def _number(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 3], "big")


def _spelled(reason: str) -> str:
    return reason.replace("_", " ").lower()[:100]
