"""The revocation lists (CRLs) of other CAs: stored when a trusted CA has signed them, and fetched again.

RFC 5280 5. A list whose time is over still counts: it is shown as over.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from certificates.models import CertificateAuthority, RevocationList, TrustRoot
from certificates.services.certificates import revocation, trust
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import revocations
from ocpp_server.outbound import addresses, http
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import Limits, RequestFailed
from ocpp_server.pki import parsing, paths
from ocpp_server.storage.journal import journal

# Bytes of a list: 200,000 entries have about as many.
MOST_BYTES: Final = 8 * 1024 * 1024
# Lists are fetched again so long before they end, those without an end once a day, and after a failure not
# earlier than after an hour.
EARLY: Final = timedelta(hours=12)
DAILY: Final = timedelta(days=1)
RETRY: Final = timedelta(hours=1)
# Lists that one run of the job fetches, one after the other.
AT_ONCE: Final = 10
_LIMITS: Final = Limits(connect_s=5.0, total_s=30.0, most_bytes=MOST_BYTES)
_SKEW: Final = timedelta(minutes=5)
_OK: Final = 200
_KINDS: Final = (TrustRoot.Kind.CSMS, TrustRoot.Kind.MANUFACTURER)


def add(
    *, name: str, crl: str, url: str = "", issuer_certificate: str = "", actor: str = ""
) -> RevocationList:
    """Store a list. `issuer_certificate` is the CA that has signed it, unless it is a trusted root or a CA of
    this server. Raises Invalid, and Conflict for a name that exists.
    """
    row = RevocationList(name=_name(name), url=checked_url(url))
    _take(row, _der(crl), issuer_certificate)
    return _save(row, actor)


def change(
    row: RevocationList,
    *,
    name: str | None = None,
    url: str | None = None,
    crl: str | None = None,
    actor: str = "",
) -> None:
    """Change the name or the address, or store a newer list of the same CA. Raises Invalid, Conflict."""
    if name is not None:
        row.name = _name(name)
    if url is not None:
        row.url, row.fetch_error = checked_url(url), ""
    if crl is not None:
        _take(row, _der(crl), row.issuer_certificate)
    _save(row, actor)


def remove(row: RevocationList) -> None:
    """Delete a list: its certificates are accepted again where all else is right."""
    row.delete()
    transaction.on_commit(trust.forget)


def checked_url(url: str) -> str:
    """An http or https address, or none. Raises Invalid."""
    given = url.strip()
    if given:
        try:
            addresses.parse(given)
        except AddressRefused as error:
            raise Invalid(str(error), field="url") from None
    return given


# -- fetching ------------------------------------------------------------------------------------------------


async def fetch_due() -> None:
    """Fetch the lists that end soon. A failure is stored with its reason; the list of before counts on."""
    for pk, url in await journal.run(due, datetime.now(UTC)):
        try:
            listed = settings.OCPP_OCSP_ALLOWED_HOSTS
            answer = await http.request("GET", url, listed=listed, limits=_LIMITS)
            content, reason = answer.body, "" if answer.status == _OK else f"HTTP status {answer.status}."
        except (AddressRefused, RequestFailed) as error:
            content, reason = b"", str(error)
        await journal.run(store_fetched, pk, content, reason)


def due(at: datetime) -> list[tuple[int, str]]:
    """The lists to fetch now: their keys and addresses."""
    ends = Q(next_update__lt=at + EARLY) | Q(next_update=None, fetched_at__lt=at - DAILY)
    is_time = Q(fetched_at=None) | (Q(fetched_at__lt=at - RETRY) & ends)
    rows = RevocationList.objects.exclude(url="").filter(is_time).order_by("fetched_at", "pk")
    return list(rows.values_list("pk", "url")[:AT_ONCE])


def store_fetched(pk: int, content: bytes, reason: str) -> None:
    """Store what a fetch has found: a list, or why there is none."""
    row = RevocationList.objects.filter(pk=pk).first()
    if row is None:
        return
    failed_before = bool(row.fetch_error)
    row.fetched_at, row.fetch_error = datetime.now(UTC), reason[:500]
    if not reason:
        try:
            _take(row, _der_of(content), row.issuer_certificate)
        except Invalid as error:
            row.fetch_error = error.sentence[:500]
    if row.fetch_error:
        row.save(update_fields=["fetched_at", "fetch_error"])
        if not failed_before:
            outbox.emit(
                revocations.LIST_FAILED,
                station="",
                site=None,
                name=row.name,
                url=row.url,
                reason=row.fetch_error,
            )
        return
    _save(row, "server")


# -- reading -------------------------------------------------------------------------------------------------


def _take(row: RevocationList, content: bytes, issuer_certificate: str) -> None:
    """Take the content of a list that a known CA has signed. Raises Invalid."""
    sha256 = hashlib.sha256(content).hexdigest()
    if row.sha256 == sha256:
        return
    try:
        crl = x509.load_der_x509_crl(content)
        updated, until, issuer = crl.last_update_utc, crl.next_update_utc, crl.issuer
        entries = len(crl)
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise Invalid("The revocation list can't be read.", field="crl") from None
    now = datetime.now(UTC)
    if updated > now + _SKEW:
        raise Invalid(f"The list is from the future: {updated:%Y-%m-%d %H:%M} UTC.", field="crl")
    signer = _signer(crl, issuer_certificate, now)
    if row.pk is not None and row.issuer_hash != revocation.issuer_hash(issuer):
        raise Invalid("This is the list of another CA.", field="crl")
    if row.pk is not None and updated < row.this_update:
        raise Invalid(f"There is a newer list already, of {row.this_update:%Y-%m-%d %H:%M} UTC.", field="crl")
    row.content, row.sha256, row.entries = content, sha256, entries
    row.this_update, row.next_update = updated, until
    row.issuer, row.issuer_hash = issuer.rfc4514_string()[:500], revocation.issuer_hash(issuer)
    row.issuer_certificate = parsing.pem_of(signer)


def _signer(crl: x509.CertificateRevocationList, issuer_certificate: str, at: datetime) -> x509.Certificate:
    """The CA that has signed the list: a trusted root, a CA of ours, or the given one below a root."""
    known = _known()
    candidates = list(known)
    if issuer_certificate:
        given = parsing.certificate(issuer_certificate, field="issuerCertificate")
        if given not in known:
            _check_below(given, known, at)
            candidates.append(given)
    for one in candidates:
        if one.subject == crl.issuer and _has_signed(one, crl):
            return one
    raise Invalid(
        "No known CA has signed the list. Give its certificate (issuerCertificate), below a trusted root.",
        field="crl",
    )


def _known() -> list[x509.Certificate]:
    roots = TrustRoot.objects.filter(is_enabled=True, kind__in=_KINDS).values_list("certificate", flat=True)
    ours = CertificateAuthority.objects.values_list("certificate", flat=True)
    return [parsing.certificate(pem, field="issuerCertificate") for pem in (*roots, *ours)]


def _check_below(given: x509.Certificate, roots: list[x509.Certificate], at: datetime) -> None:
    if not parsing.is_ca(given):
        raise Invalid("This is not the certificate of a CA.", field="issuerCertificate")
    try:
        paths.verify(given, [], roots, at=at)
    except paths.PathRefused as refused:
        raise Invalid(str(refused), field="issuerCertificate") from None


def _has_signed(issuer: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
    usage = parsing.extension(issuer.extensions, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return False
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _der(pem: str) -> bytes:
    try:
        return x509.load_pem_x509_crl(pem.strip().encode("ascii", "replace")).public_bytes(Encoding.DER)
    except (ValueError, x509.InvalidVersion):
        raise Invalid("Use one revocation list in PEM, from BEGIN X509 CRL on.", field="crl") from None


def _der_of(content: bytes) -> bytes:
    """Web servers give lists in DER, and some in PEM. Raises Invalid."""
    return _der(content.decode("ascii", "replace")) if content.lstrip().startswith(b"-----") else content


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid("Must not be blank.", field="name")
    return name.strip()


def _save(row: RevocationList, actor: str) -> RevocationList:
    try:
        with transaction.atomic():
            row.save()
            outbox.emit(
                revocations.LIST_STORED,
                station="",
                site=None,
                name=row.name,
                issuer=row.issuer,
                entries=row.entries,
                validUntil=row.next_update,
                actor=actor,
            )
    except IntegrityError:
        raise Conflict(f"A revocation list {row.name} already exists.", code=Code.DUPLICATE) from None
    transaction.on_commit(trust.forget)
    return row
