"""The CA that signs a request, and the rules about stations that the server and the signer both apply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.db.models import Q

from certificates.models import CertificateAuthority, IssuedCertificate, SigningRequest
from chargepoints.models import ChargePoint
from ocpp_server.domain import Refused
from ocpp_server.pki import hash_data, parsing
from ocpp_server.pki.requests import SigningRequest as Csr

Type = IssuedCertificate.Type
_HOUR: Final = timedelta(hours=1)
_MOST_ABOVE: Final = 4


def authority_for(
    type: str, csr: Csr, *, root: Mapping[str, Any] | None = None
) -> CertificateAuthority | None:
    """The newest active issuing CA for a certificate of this type, with the kind of key of the request if
    there is one. `root`: the hash data of the root that the station asks for (2.1). None if there is none.
    """
    usage = CertificateAuthority.Usage
    wanted = usage.STATIONS if type == Type.STATION else usage.V2G
    active = CertificateAuthority.objects.filter(
        usage=wanted, state=CertificateAuthority.State.ACTIVE, parent__isnull=False, issuing__isnull=True
    )
    rows = [row for row in active.order_by("-pk") if root is None or _is_below(row, root)]
    is_rsa = isinstance(csr.key, rsa.RSAPublicKey)
    kind = CertificateAuthority.KeyType.RSA if is_rsa else CertificateAuthority.KeyType.ECDSA
    return next((row for row in rows if row.key_type == kind), rows[0] if rows else None)


def chain_of(authority: CertificateAuthority) -> list[CertificateAuthority]:
    """A CA and those above it, up to the root."""
    found = [authority]
    while found[-1].parent is not None and len(found) <= _MOST_ABOVE:
        found.append(found[-1].parent)
    return found


def _is_below(authority: CertificateAuthority, root: Mapping[str, Any]) -> bool:
    wanted = hash_data.read(root)
    if wanted.algorithm not in hash_data.ALGORITHMS:
        return False
    top = parsing.certificate(chain_of(authority)[-1].certificate, field="hashRootCertificate")
    return hash_data.of(top, top, wanted.algorithm) == wanted


def organization_of(authority: CertificateAuthority) -> str:
    """The organization of a CA: that of the certificates of stations."""
    return parsing.organization(_subject(authority))


def _subject(authority: CertificateAuthority) -> x509.Name:
    return parsing.certificate(authority.certificate, field="certificate").subject


def check(charge_point: ChargePoint, csr: Csr, authority: CertificateAuthority | None) -> None:
    """Raise Refused unless this station may have a certificate for this request, from this CA (None: from an
    external one).
    """
    check_name(charge_point, csr.common_name)
    own = csr.organization if authority is None else organization_of(authority)
    if csr.organization and csr.organization != own:
        raise Refused(
            f"The organization (O) is {csr.organization}; ours is {own}. Set CpoName (1.6) or "
            f"OrganizationName "
            "(2.x) of the station."
        )
    others = Q(key_sha256=csr.key_sha256) & ~Q(charge_point=charge_point.pk)
    requested = SigningRequest.objects.exclude(state=SigningRequest.State.REJECTED).filter(others)
    if requested.exists() or IssuedCertificate.objects.filter(others).exists():
        raise Refused("Another station has used this key: each station needs a key of its own.")


def check_name(charge_point: ChargePoint, common_name: str) -> None:
    """Raise Refused unless the name is the serial number as it is, or the identity in any case, and no other
    station has that name.
    """
    names = {charge_point.serial_number} - {""}
    if common_name not in names and common_name.casefold() != charge_point.identity_key:
        known = f"the serial number {charge_point.serial_number} or " if charge_point.serial_number else ""
        raise Refused(
            f"The common name (CN) is {common_name}; it must be {known}the identity {charge_point.identity}."
        )
    # A station reports its serial number itself. With that of another one it would get a certificate for it.
    same = Q(serial_number=common_name) | Q(identity_key=common_name.casefold())
    other = ChargePoint.objects.filter(same).exclude(pk=charge_point.pk).values_list("identity", flat=True)
    if (found := other.first()) is not None:
        raise Refused(f"The common name {common_name} also belongs to the station {found}.")


def is_within_rate(charge_point_pk: int, now: datetime, *, of: type[Any] = SigningRequest) -> bool:
    """Whether the station may send one more request, or get one more certificate (`of`)."""
    recent = of.objects.filter(charge_point=charge_point_pk, created_at__gt=now - _HOUR).count()
    return bool(recent < settings.CERTIFICATE_REQUESTS_PER_HOUR)


def is_automatic(charge_point: ChargePoint) -> bool:
    """Whether the requests of this station need no approval by a person."""
    return (
        settings.CERTIFICATE_APPROVAL == "automatic"
        and charge_point.registration_status == ChargePoint.Registration.ACCEPTED
        and charge_point.security_profile > 0
    )
