"""The cross-signed form of a root of ours: signed by the root before it (2.0.1 M05.FR.09).

A trusted root that names its signer and has no such form yet is the request.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from certificates.models import TrustRoot
from certificates.signing import authorities, building
from certificates.signing.keys import KeyStore, KeyUnusable
from ocpp_server.domain import Conflict, DomainError
from ocpp_server.pki import parsing

log = structlog.get_logger(__name__)


def sign_waiting(store: KeyStore) -> int:
    """Sign the roots that wait for it; one that can't be signed waits no more. Returns their number."""
    waiting = TrustRoot.objects.filter(
        kind=TrustRoot.Kind.CSMS, cross_signed="", cross_signed_by__isnull=False
    )
    rows = list(waiting.select_related("authority", "cross_signed_by__authority"))
    for row in rows:
        try:
            pem = _signed(store, row, datetime.now(UTC))
        except (DomainError, KeyUnusable) as error:
            TrustRoot.objects.filter(pk=row.pk).update(cross_signed_by=None)
            log.warning("signer.not_cross_signed", root=row.pk, reason=str(error))
        else:
            TrustRoot.objects.filter(pk=row.pk).update(cross_signed=pem)
            log.info("signer.cross_signed", root=row.pk, by=row.cross_signed_by_id)
    return len(rows)


def _signed(store: KeyStore, row: TrustRoot, now: datetime) -> str:
    """The form in PEM. Raises Conflict unless both are roots of ours, and KeyUnusable."""
    by = row.cross_signed_by
    if by is None or row.authority is None or by.authority is None:
        raise Conflict("Only a root of this server is signed, and only by another one.")
    for one, authority in ((row, row.authority), (by, by.authority)):
        if authority.parent_id is not None or one.sha256 != authority.sha256 or one.not_after <= now:
            raise Conflict(f"{one} is no valid root of this server.")
    own, signer = authorities.signer(store, row.authority), authorities.signer(store, by.authority)
    return parsing.pem_of(building.cross_signed(own, by=signer, now=now))
