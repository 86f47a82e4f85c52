"""The roots and the revocations by which this server checks the certificate of a station, read at once.

After a power cut thousands of stations log on within seconds: each process keeps the result for FRESH_S.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import structlog
from cryptography import x509

from certificates.models import CertificateAuthority, RevocationList, RevokedCertificate, TrustRoot
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing

log = structlog.get_logger(__name__)

# A change of a root or of a list applies after so many seconds in every process.
FRESH_S: Final = 3.0
_KINDS: Final = (TrustRoot.Kind.CSMS, TrustRoot.Kind.MANUFACTURER)


@dataclass(frozen=True, slots=True)
class Trust:
    """The enabled roots of stations, the CAs that a chain may lack, and what is revoked."""

    roots: tuple[x509.Certificate, ...] = ()
    cas: tuple[x509.Certificate, ...] = ()
    # By the SHA-256 of a root of ours, the organizations that its certificates may have.
    organizations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # The own list: the issuer's name (the SHA-256 of its DER) and the serial number, with the reason.
    revoked: Mapping[tuple[str, str], str] = field(default_factory=dict)
    # By the SHA-256 of the name of their issuer: the name of the list and the list.
    lists: Mapping[str, tuple[tuple[str, x509.CertificateRevocationList], ...]] = field(default_factory=dict)
    # For TLS: the roots, and the CAs that a station may not send. The rule itself trusts the roots alone.
    pem: str = ""


class _Cache:
    """The last result, and the lists that were parsed for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._trust: Trust | None = None
        self._read_at = 0.0
        self._parsed: dict[tuple[int, str], x509.CertificateRevocationList] = {}

    def current(self) -> Trust:
        with self._lock:
            now = time.monotonic()
            if self._trust is None or now - self._read_at >= FRESH_S:
                self._trust, self._read_at = self._load(), now
            return self._trust

    def forget(self) -> None:
        with self._lock:
            self._trust = None

    def _load(self) -> Trust:
        stored = list(TrustRoot.objects.filter(is_enabled=True, kind__in=_KINDS))
        pems = CertificateAuthority.objects.values_list("certificate", flat=True)
        ours = [one for pem in pems if (one := _certificate(pem)) is not None]
        own_names = frozenset(filter(None, (parsing.organization(one.subject) for one in ours)))
        own = {parsing.sha256(one) for one in ours}
        roots: dict[str, x509.Certificate] = {}
        organizations: dict[str, frozenset[str]] = {}
        crossed = []
        for row in stored:
            root = _certificate(row.certificate)
            if root is None:
                continue
            sha256 = parsing.sha256(root)
            roots[sha256] = root
            if row.cross_signed and (other := _certificate(row.cross_signed)) is not None:
                crossed.append(other)
            if row.kind == TrustRoot.Kind.CSMS:
                organization = parsing.organization(root.subject)
                is_own = sha256 in own or row.authority_id is not None
                organizations[sha256] = own_names if is_own else frozenset(filter(None, [organization]))
        between = [one for one in ours if not parsing.is_self_issued(one)]
        return Trust(
            roots=tuple(roots.values()),
            cas=(*between, *crossed),
            organizations=organizations,
            revoked={
                (row.issuer_hash, row.serial): row.get_reason_display()
                for row in RevokedCertificate.objects.all()
            },
            lists=self._lists(),
            pem=parsing.pem_of(*roots.values(), *between, *crossed),
        )

    def _lists(self) -> dict[str, tuple[tuple[str, x509.CertificateRevocationList], ...]]:
        found: dict[str, tuple[tuple[str, x509.CertificateRevocationList], ...]] = {}
        parsed = {}
        for pk, sha256, issuer_hash, name in RevocationList.objects.values_list(
            "pk", "sha256", "issuer_hash", "name"
        ):
            key = (pk, sha256)
            one = self._parsed.get(key)
            if one is None:
                # The content alone: a list has up to megabytes, and rarely changes.
                content = RevocationList.objects.values_list("content", flat=True).get(pk=pk)
                one = x509.load_der_x509_crl(bytes(content))
            parsed[key] = one
            found[issuer_hash] = (*found.get(issuer_hash, ()), (name, one))
        self._parsed = parsed
        return found


def _certificate(pem: str) -> x509.Certificate | None:
    try:
        return parsing.certificate(pem, field="certificate")
    except Invalid as error:
        # The row was checked when it was stored: an earlier release, or a change in the database itself.
        log.error("trust.unreadable_certificate", reason=str(error))
        return None


_cache = _Cache()


def current() -> Trust:
    """The roots and revocations, at most FRESH_S old. Uses the database."""
    return _cache.current()


def forget() -> None:
    """Read it again at the next check: a row has changed in this process."""
    _cache.forget()
