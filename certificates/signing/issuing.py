"""Signing of requests. The signer checks all of it itself: its row may be what an attacker wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from cryptography import x509
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.module_loading import import_string

from certificates.models import CertificateAuthority, IssuedCertificate, SigningRequest
from certificates.services.certificates import choosing
from certificates.signing import authorities, building
from certificates.signing.keys import KeyStore, KeyUnusable
from ocpp_server.domain import DomainError, Invalid, Refused
from ocpp_server.pki import parsing, requests

log = structlog.get_logger(__name__)

State = SigningRequest.State
Type = IssuedCertificate.Type
# A request that a signer has taken and not finished after this is taken again: that signer has died.
CLAIMED_FOR: Final = timedelta(minutes=5)
AT_ONCE: Final = 50
TYPES: Final = frozenset({Type.STATION, Type.V2G, Type.V2G_20})


@dataclass(frozen=True, slots=True)
class Order:
    """A question to an external CA: the request in PEM as the station sent it, and our knowledge of it."""

    csr: str
    type: str
    station: str
    common_name: str


# Returns the certificate and the CAs below the root in PEM, or None to leave the request to our own CAs.
Issuer = Callable[[Order], str | None]


def sign_waiting(store: KeyStore) -> int:
    """Sign the approved requests, the oldest first. Returns how many were taken."""
    now = datetime.now(UTC)
    SigningRequest.objects.filter(state=State.SIGNING, claimed_at__lt=now - CLAIMED_FOR).update(
        state=State.APPROVED
    )
    waiting = SigningRequest.objects.filter(state=State.APPROVED).order_by("pk")
    taken = 0
    for pk in list(waiting.values_list("pk", flat=True)[:AT_ONCE]):
        claimed = SigningRequest.objects.filter(pk=pk, state=State.APPROVED)
        # Another signer may have been faster.
        if claimed.update(state=State.SIGNING, claimed_at=datetime.now(UTC)):
            taken += 1
            _sign(store, pk)
    return taken


def _sign(store: KeyStore, pk: int) -> None:
    row = SigningRequest.objects.select_related("charge_point", "authority__parent").get(pk=pk)
    try:
        certificate = _certificate(store, row)
    except (DomainError, KeyUnusable) as error:
        _failed(row, str(error))
    except (InterfaceError, OperationalError):
        # The database is away: the request stays claimed, and is taken again later.
        raise
    except Exception as error:
        # Also the exceptions of an external CA: only the kind is shown, because its text may have a secret.
        log.exception("signer.failed", request=pk)
        _failed(row, f"The CA has failed: {type(error).__name__}.")
    else:
        log.info(
            "signer.issued",
            station=row.charge_point.identity,
            request=pk,
            serial=certificate.serial,
            authority=certificate.authority.name,
        )


def _failed(row: SigningRequest, why: str) -> None:
    now = datetime.now(UTC)
    SigningRequest.objects.filter(pk=row.pk, state=State.SIGNING).update(
        state=State.FAILED, reason=why[:500], updated_at=now, due_at=now
    )
    log.error("signer.not_issued", station=row.charge_point.identity, request=row.pk, reason=why)


def _certificate(store: KeyStore, row: SigningRequest) -> IssuedCertificate:
    """Check the row, sign, and store the certificate. Raises DomainError and KeyUnusable."""
    csr = requests.read(row.csr)
    station, authority = row.charge_point, row.authority
    now = datetime.now(UTC)
    if not (choosing.is_automatic(station) or (row.approved_by and row.approved_at)):
        raise Refused("This request is not approved.")
    if row.type not in TYPES:
        raise Refused("The certificate has an unknown type.")
    if not choosing.is_within_rate(station.pk, now, of=IssuedCertificate):
        raise Refused("The station got too many certificates within an hour.")
    found = _external(row, csr)
    if found is None:
        if authority is None or not _may_sign(authority, row.type):
            raise Refused("There is no active CA for this type of certificate.")
        choosing.check(station, csr, authority)
        found = _own(store, row, csr, authority, now)
    return _stored(row, csr, found)


def _may_sign(authority: CertificateAuthority, type: str) -> bool:
    usage = CertificateAuthority.Usage
    return (
        authority.state == CertificateAuthority.State.ACTIVE
        and not authority.is_root
        and authority.usage == (usage.STATIONS if type == Type.STATION else usage.V2G)
    )


@dataclass(frozen=True, slots=True)
class _Signed:
    leaf: x509.Certificate
    chain: list[x509.Certificate]
    authority: CertificateAuthority


def _own(
    store: KeyStore,
    row: SigningRequest,
    csr: requests.SigningRequest,
    authority: CertificateAuthority,
    now: datetime,
) -> _Signed:
    """The subject is ours: the common name of the request, and the organization of the CA. Nothing else of
    the request gets into the certificate.
    """
    is_station = row.type == Type.STATION
    previous = IssuedCertificate.objects.filter(charge_point=row.charge_point_id, type=row.type)
    newest = previous.order_by("-not_before").values_list("not_before", flat=True).first()
    days = settings.CERTIFICATE_LIFE if is_station else settings.CERTIFICATE_LIFE_VEHICLE
    wanted = building.Leaf(
        subject=building.name(
            csr.common_name, choosing.organization_of(authority), domain="" if is_station else "CPO"
        ),
        key=csr.key,
        not_before=building.winning_start(now, newest),
        life=timedelta(seconds=days),
        agrees_keys=not is_station,
        list_url=list_url(authority),
    )
    leaf = building.leaf(wanted, authorities.signer(store, authority))
    above = choosing.chain_of(authority)[:-1]
    chain = [parsing.certificate(one.certificate, field="certificate") for one in above]
    return _Signed(leaf, chain, authority)


def list_url(authority: CertificateAuthority) -> str:
    """Where the revocation list of a CA is; empty while PUBLIC_URL is not set."""
    return f"{settings.PUBLIC_URL}/pki/crl/{authority.pk}.crl" if settings.PUBLIC_URL else ""


def _external(row: SigningRequest, csr: requests.SigningRequest) -> _Signed | None:
    """The certificate of an external CA, checked; None if there is none, or if it leaves the request to
    us.
    """
    if not settings.SIGNER_ISSUER:
        return None
    choosing.check(row.charge_point, csr, None)
    issue: Issuer = import_string(settings.SIGNER_ISSUER)
    answer = issue(Order(row.csr, row.type, row.charge_point.identity, csr.common_name))
    if answer is None:
        return None
    leaf, *chain = parsing.certificates(answer, field="certificate")
    if leaf.public_key() != csr.key or parsing.is_ca(leaf):
        raise Refused("The external CA has returned a certificate of another key, or a CA.")
    choosing.check_name(row.charge_point, parsing.common_name(leaf.subject))
    chain = [one for one in chain if not parsing.is_self_issued(one)]
    if not chain:
        raise Invalid("The external CA has returned no chain.", field="certificate")
    return _Signed(leaf, chain, authorities.external(chain[0]))


def _stored(row: SigningRequest, csr: requests.SigningRequest, found: _Signed) -> IssuedCertificate:
    """Store the certificate and hand it over to the server, unless the request was replaced meanwhile."""
    now = datetime.now(UTC)
    with transaction.atomic():
        issued = IssuedCertificate.objects.create(
            authority=found.authority,
            charge_point=row.charge_point,
            type=row.type,
            serial=format(found.leaf.serial_number, "x"),
            sha256=parsing.sha256(found.leaf),
            key_sha256=csr.key_sha256,
            subject=found.leaf.subject.rfc4514_string()[:500],
            certificate=parsing.pem_of(found.leaf),
            chain=parsing.pem_of(*found.chain),
            not_before=found.leaf.not_valid_before_utc,
            not_after=found.leaf.not_valid_after_utc,
        )
        signed = SigningRequest.objects.filter(pk=row.pk, state=State.SIGNING)
        if not signed.update(state=State.SIGNED, certificate=issued, reason="", updated_at=now, due_at=now):
            raise Refused("The request was replaced while it was signed.")
    return issued
