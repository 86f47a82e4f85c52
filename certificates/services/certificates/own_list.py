"""The own list of revoked certificates: those of other CAs. Our own ones are revoked in their rows."""

from __future__ import annotations

import re
from typing import Final

from cryptography import x509
from django.db import IntegrityError, transaction

from certificates.models import IssuedCertificate, RevokedCertificate
from certificates.services.certificates import revocation, trust
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import revocations
from ocpp_server.pki import parsing

_MOST: Final = 500
# RFC 5280 4.1.2.2: at most 20 octets.
_SERIAL: Final = re.compile(r"[0-9a-f]{1,40}")


def add(
    *,
    certificate: str = "",
    issuer_certificate: str = "",
    serial: str = "",
    reason: str = "unspecified",
    note: str = "",
    actor: str = "",
) -> RevokedCertificate:
    """Put a certificate on the list: by its PEM, or by the PEM of its issuer and its serial number.

    Raises Invalid, and Conflict for one that is on the list. The next logon with it is refused, within
    `trust.FRESH_S` in every process; a connection that stands is not closed.
    """
    if bool(certificate) == bool(issuer_certificate):
        raise Invalid("Give the certificate, or its issuer with the serial number.", field="certificate")
    if certificate:
        read = parsing.certificate(certificate, field="certificate")
        _check_kind(read)
        issuer, number, subject = read.issuer, revocation.serial_of(read), read.subject.rfc4514_string()
    else:
        issuer = parsing.certificate(issuer_certificate, field="issuerCertificate").subject
        number, subject = _serial(serial), ""
    row = RevokedCertificate(
        issuer=issuer.rfc4514_string()[:_MOST],
        issuer_hash=revocation.issuer_hash(issuer),
        serial=number,
        subject=subject[:_MOST],
        reason=reason,
        note=note.strip(),
    )
    try:
        with transaction.atomic():
            row.save()
            outbox.emit(revocations.ADDED, station="", site=None, **_content(row, actor))
    except IntegrityError:
        raise Conflict("This certificate is on the list already.", code=Code.DUPLICATE) from None
    transaction.on_commit(trust.forget)
    return row


def remove(row: RevokedCertificate, *, actor: str = "") -> None:
    """Take a certificate off the list: it is accepted again where all else is right."""
    with transaction.atomic():
        outbox.emit(revocations.REMOVED, station="", site=None, **_content(row, actor))
        row.delete()
    transaction.on_commit(trust.forget)


def _check_kind(read: x509.Certificate) -> None:
    if parsing.is_self_issued(read):
        raise Invalid("This is a root. Disable it among the trusted roots instead.", field="certificate")
    if IssuedCertificate.objects.filter(sha256=parsing.sha256(read)).exists():
        raise Invalid("A CA of this server has issued it. Revoke it there instead.", field="certificate")


def _serial(text: str) -> str:
    digits = text.replace(":", "").replace(" ", "").lower().removeprefix("0x").lstrip("0")
    if not _SERIAL.fullmatch(digits):
        raise Invalid("Use 1 to 40 hexadecimal digits.", field="serialNumber")
    return digits


def _content(row: RevokedCertificate, actor: str) -> dict[str, str]:
    return {
        "issuer": row.issuer,
        "serialNumber": row.serial,
        "subject": row.subject,
        "reason": row.reason,
        "actor": actor,
    }
