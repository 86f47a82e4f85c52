"""The known certificates that a station needs for the security profiles 2 and 3: fills
the port `Trust` of the app chargepoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509
from django.conf import settings

from certificates.models import InstalledCertificate, IssuedCertificate
from certificates.services.certificates import inventory
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing, paths

_Issued = IssuedCertificate.State
_CSMS = InstalledCertificate.Type.CSMS


def has_certificate(charge_point_pk: int) -> bool | None:
    """Whether the station has a valid certificate of a CA of ours. None without one: it may have one of its
    manufacturer, which no message shows.
    """
    now = datetime.now(UTC)
    rows = IssuedCertificate.objects.filter(
        charge_point=charge_point_pk,
        type=IssuedCertificate.Type.STATION,
        state__in=(_Issued.INSTALLED, _Issued.ACTIVE),
        not_before__lte=now,
        not_after__gte=now,
    )
    return True if rows.exists() else None


def trusts_server(charge_point_pk: int) -> bool | None:
    """Whether a root that the station has reported leads to the server's own certificate. None if it has
    reported none, or roots that this server does not know, and if a proxy has the certificate.
    """
    chains = list(_own_chains())
    if not chains or _CSMS not in inventory.of_station(charge_point_pk).reported:
        return None
    installed = InstalledCertificate.objects.current().filter(charge_point=charge_point_pk, type=_CSMS)
    is_known = True
    for row in installed.select_related("root"):
        pem = row.root.certificate if row.root is not None else row.certificate
        if not pem:
            is_known = False
        elif any(_leads(pem, chain) for chain in chains):
            return True
    return False if is_known else None


def _own_chains() -> Iterator[list[x509.Certificate]]:
    for path in (settings.TLS_CERT, settings.TLS_SECOND_CERT):
        try:
            chain = x509.load_pem_x509_certificates(path.read_bytes()) if path else []
        except (OSError, ValueError):
            continue  # the check of the listener names it
        if chain:
            yield chain


def _leads(root_pem: str, chain: list[x509.Certificate]) -> bool:
    """Whether the chain of a server ends at this root. A self-signed one is its own root."""
    try:
        root = parsing.certificate(root_pem, field="certificate")
    except Invalid:
        return False
    if root == chain[0]:
        return True
    try:
        paths.verify(chain[0], chain[1:], [root], at=datetime.now(UTC))
    except paths.PathRefused:
        return False
    return True
