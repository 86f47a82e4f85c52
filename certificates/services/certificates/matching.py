"""Finding the certificate behind the hash data of a station."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from certificates.models import InstalledCertificate, IssuedCertificate, TrustRoot
from ocpp_server.domain import Invalid
from ocpp_server.pki import hash_data, parsing
from ocpp_server.pki.hash_data import HashData

_Type = InstalledCertificate.Type

# The kind of a root, by the type under which stations store it.
KINDS: Final[dict[str, TrustRoot.Kind]] = {
    _Type.CSMS.value: TrustRoot.Kind.CSMS,
    _Type.MANUFACTURER.value: TrustRoot.Kind.MANUFACTURER,
    _Type.V2G.value: TrustRoot.Kind.V2G,
    _Type.MO.value: TrustRoot.Kind.MO,
    _Type.OEM.value: TrustRoot.Kind.OEM,
}
TYPES: Final[dict[TrustRoot.Kind, str]] = {kind: name for name, kind in KINDS.items()}


class Known(NamedTuple):
    """A certificate that this server has. `pem` is empty for a root and an issued one, which have rows."""

    sha256: str
    subject: str
    not_after: datetime
    root_id: int | None = None
    is_cross_signed: bool = False
    issued_id: int | None = None
    pem: str = ""


class _Candidate(NamedTuple):
    known: Known
    pem: str
    issuer: str  # PEM; empty for a certificate that is its own issuer


def certificate(pem: str, type_: str) -> Known | None:
    """The certificate of this text, which was sent to a station under this type; None if it can't be read."""
    try:
        read = parsing.certificates(pem, field="certificate")[0]
        digest = parsing.sha256(read)
    except Invalid:
        return None
    for candidate in _roots(type_):
        if candidate.known.sha256 == digest:
            return candidate.known
    return Known(digest, read.subject.rfc4514_string()[:500], read.not_valid_after_utc, pem=pem)


def behind(charge_point_pk: int, type_: str, data: HashData) -> Known | None:
    """The certificate with this hash data, among the roots, those issued for the station, and those that were
    sent to it. Uses the database.
    """
    if data.algorithm not in hash_data.ALGORITHMS:
        return None
    if type_ == _Type.V2G_CHAIN:
        candidates: Iterable[_Candidate] = _issued(charge_point_pk, data.serial)
    else:
        candidates = (*_roots(type_), *_sent(charge_point_pk))
    return next(
        (one.known for one in candidates if _hashes(one.pem, one.issuer, data.algorithm) == data), None
    )


def serial_of(root: TrustRoot) -> str:
    """The serial number of a root as hash data has it."""
    return format(parsing.certificate(root.certificate, field="certificate").serial_number, "x")


@lru_cache(maxsize=4096)
def _hashes(pem: str, issuer: str, algorithm: str) -> HashData | None:
    try:
        read = parsing.certificates(pem, field="certificate")[0]
        signer = parsing.certificates(issuer, field="certificate")[0] if issuer else read
        return hash_data.of(read, signer, algorithm)
    except (Invalid, TypeError):
        return None


def _roots(type_: str) -> Iterator[_Candidate]:
    """The roots, in both forms; those of the kind of this type first."""
    kind = KINDS.get(type_)
    rows = TrustRoot.objects.select_related("cross_signed_by")
    for row in sorted(rows, key=lambda one: (one.kind != kind, one.pk)):
        known = Known(row.sha256, row.subject, row.not_after, root_id=row.pk)
        yield _Candidate(known, row.certificate, "")
        if row.cross_signed and row.cross_signed_by is not None:
            crossed = parsing.certificate(row.cross_signed, field="certificate")
            known = known._replace(
                sha256=parsing.sha256(crossed), not_after=crossed.not_valid_after_utc, is_cross_signed=True
            )
            yield _Candidate(known, row.cross_signed, row.cross_signed_by.certificate)


def _issued(charge_point_pk: int, serial: str) -> Iterator[_Candidate]:
    rows = IssuedCertificate.objects.filter(charge_point=charge_point_pk, serial=serial)
    for row in rows.select_related("authority"):
        known = Known(row.sha256, row.subject, row.not_after, issued_id=row.pk)
        yield _Candidate(known, row.certificate, row.authority.certificate)


def _sent(charge_point_pk: int) -> Iterator[_Candidate]:
    """The certificates of operators that are no roots here. One that is not self-issued has a root of ours as
    issuer, or can't be recognised: its issuer's key is part of the hash data.
    """
    rows = InstalledCertificate.objects.filter(charge_point=charge_point_pk).exclude(certificate="")
    roots: list[TrustRoot] | None = None
    for row in rows:
        read = parsing.certificates(row.certificate, field="certificate")[0]
        known = Known(row.sha256, row.subject, read.not_valid_after_utc, pem=row.certificate)
        if parsing.is_self_issued(read):
            yield _Candidate(known, row.certificate, "")
            continue
        roots = list(TrustRoot.objects.all()) if roots is None else roots
        issuer_name = read.issuer.rfc4514_string()[:500]
        for root in roots:
            if root.subject == issuer_name:
                yield _Candidate(known, row.certificate, root.certificate)
