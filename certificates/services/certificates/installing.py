"""The certificate that a station gets, and the form of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from django.utils.translation import gettext

from certificates.models import TrustRoot
from certificates.services.certificates import matching
from chargepoints.models import ChargePoint
from ocpp_server import capabilities
from ocpp_server.domain import Invalid
from ocpp_server.pki import parsing
from ocpp_server.protocol.versions import VERSIONS, in_dialect

# 1.6 security extension and 2.0.1 M05.FR.09: a new CSMS root must be signed by the one in use.
_CHECK_16: Final = "AdditionalRootCertificateCheck"
_CHECK_2X: Final = f"SecurityCtrlr.{_CHECK_16}"


class Wanted(NamedTuple):
    """A certificate in PEM, with the 2.x name of its type."""

    type: str
    pem: str


def choices() -> Sequence[tuple[int, str]]:
    """The roots that stations may get."""
    roots = TrustRoot.objects.filter(is_enabled=True)
    return [(root.pk, f"{root.get_kind_display()}: {root}") for root in roots]


def wanted(charge_point: ChargePoint, *, type_: str, root_id: int | None, pem: str) -> Wanted:
    """The certificate by a root of this server or by its text. Raises Invalid. Uses the database."""
    if (root_id is None) == (not pem.strip()):
        raise Invalid("Give either rootId or certificate.", field="rootId" if pem.strip() else "certificate")
    if root_id is None:
        if not type_:
            raise Invalid("A certificate needs its type.", field="certificateType")
        return Wanted(type_, _checked(pem))
    root = TrustRoot.objects.filter(pk=root_id).first()
    if root is None or not root.is_enabled:
        raise Invalid("There is no enabled root with this number.", field="rootId")
    own = matching.TYPES[TrustRoot.Kind(root.kind)]
    if type_ and type_ != own:
        raise Invalid(f"The root {root} is a {own}.", field="certificateType")
    return Wanted(own, form_for(charge_point, root))


def form_for(charge_point: ChargePoint, root: TrustRoot) -> str:
    """The root, or its cross-signed form for a station that checks additional roots."""
    if root.cross_signed and root.kind == TrustRoot.Kind.CSMS and checks_roots(charge_point):
        return root.cross_signed
    return root.certificate


def checks_roots(charge_point: ChargePoint) -> bool:
    """Whether the station has reported that it checks additional roots. Uses the database."""
    version = charge_point.ocpp_version
    if version not in VERSIONS:
        return False
    name = in_dialect(version, _CHECK_16, _CHECK_2X)
    value = capabilities.reports.app.values(charge_point.pk, (name,)).get(name, "")
    return value.strip().casefold() == "true"


def warning(charge_point: ChargePoint, *, root_id: int | None) -> str:
    """Why the station will probably refuse this root; empty if nothing is known. Uses the database."""
    root = TrustRoot.objects.filter(pk=root_id).first() if root_id is not None else None
    if root is None or root.kind != TrustRoot.Kind.CSMS or root.cross_signed:
        return ""
    has_another = charge_point.installed_certificates.filter(
        type=matching.TYPES[TrustRoot.Kind.CSMS], ended_at__isnull=True
    ).exclude(root=root)
    if not (has_another.exists() and checks_roots(charge_point)):
        return ""
    return gettext(
        "The station takes only a root that the present one has signed, and this root has no cross-signed "
        "form."
    )


def _checked(pem: str) -> str:
    """The text of one certificate that a station may store as a root. Raises Invalid."""
    read = parsing.certificate(pem, field="certificate")
    if read.not_valid_after_utc <= datetime.now(UTC):
        day = parsing.day(read.not_valid_after_utc)
        raise Invalid(f"The certificate has expired on {day}.", field="certificate")
    if not parsing.is_ca(read):
        raise Invalid("This is not the certificate of a CA.", field="certificate")
    parsing.key_of(read, field="certificate")
    return parsing.pem_of(read)
