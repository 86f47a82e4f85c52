"""Use of certificates: the logon of a station shows which of its certificates it has adopted (2.0.1 A02)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from certificates.models import IssuedCertificate, SigningRequest
from certificates.services.certificates import delivery

State = IssuedCertificate.State
AT_ONCE: Final = 200
# The resolution of `last_used_at`: a logon within this time after the noted one changes nothing.
NOTED_EVERY: Final = timedelta(hours=1)
# The states of a certificate that a station may have.
_THERE: Final = (
    State.ISSUED,
    State.INSTALLED,
    State.ACTIVE,
    State.NOT_ADOPTED,
    State.REFUSED,
    State.SUPERSEDED,
)
# The states of a newer certificate that make a logon with an older one a way back.
_TAKEN: Final = (State.INSTALLED, State.ACTIVE)


def presented(sha256s: Collection[str]) -> QuerySet[IssuedCertificate]:
    """The certificates of ours with these fingerprints. Each has `has_newer`: whether its station has taken
    a newer one of its type. One query for all stations that log on at the same time.
    """
    newer = IssuedCertificate.objects.filter(
        charge_point=OuterRef("charge_point"),
        type=OuterRef("type"),
        not_before__gt=OuterRef("not_before"),
        state__in=_TAKEN,
    )
    return IssuedCertificate.objects.filter(sha256__in=sha256s).annotate(has_newer=Exists(newer))


def is_noted(row: IssuedCertificate, at: datetime) -> bool:
    """Whether a logon at this time with a row of `presented` changes nothing, so that `used` need not run:
    the certificate is active, the newest of its station, and was used within NOTED_EVERY.

    A certificate that became active has superseded the older ones, and an older one is never taken later.
    """
    return (
        row.state == State.ACTIVE
        and not getattr(row, "has_newer", True)
        and row.last_used_at is not None
        and row.last_used_at > at - NOTED_EVERY
    )


def used(*, charge_point_pk: int, sha256: str, at: datetime) -> None:
    """Note that the station logged on with this certificate of ours; any other certificate changes nothing.

    The older ones are superseded, and revoked after CERTIFICATE_GRACE. If the station had a newer one before
    this logon, it has gone back: the newer one counts as not adopted (2.1 A02.FR.28).
    """
    with transaction.atomic():
        rows = IssuedCertificate.objects.filter(charge_point=charge_point_pk)
        row = rows.filter(sha256=sha256.lower()).first()
        if row is None or row.state not in _THERE:
            return
        same = rows.filter(type=row.type).exclude(pk=row.pk)
        row.last_used_at, row.first_used_at = at, row.first_used_at or at
        request = SigningRequest.objects.select_related("charge_point").filter(certificate=row).first()
        if request is not None and row.state in (State.ISSUED, State.REFUSED):
            # The answer to CertificateSigned was lost, or wrong.
            delivery.installed(request, row, at)
        row.state, row.revoke_at = State.ACTIVE, None
        row.save(update_fields=["state", "last_used_at", "first_used_at", "revoke_at"])
        newer = same.filter(not_before__gt=row.not_before, state__in=_TAKEN)
        for one in newer.select_related("request__charge_point"):
            _not_adopted(one, at)
        older = same.filter(not_before__lt=row.not_before, state__in=set(_THERE) - {State.SUPERSEDED})
        older.update(state=State.SUPERSEDED, revoke_at=at + timedelta(seconds=settings.CERTIFICATE_GRACE))


def _not_adopted(row: IssuedCertificate, at: datetime) -> None:
    request = getattr(row, "request", None)
    if request is not None and request.updated_at >= at:
        return  # it was installed after this logon
    IssuedCertificate.objects.filter(pk=row.pk).update(state=State.NOT_ADOPTED)
    if request is not None:
        delivery.announce_failure(
            request, State.NOT_ADOPTED, "The station has logged on with an older certificate."
        )


def find_not_adopted(now: datetime) -> None:
    """The certificates that a station has accepted and never used. Only stations with security profile 3 log
    on with certificates, and only those for the server are seen.
    """
    patient = timedelta(seconds=settings.CERTIFICATE_ADOPTION)
    rows = IssuedCertificate.objects.filter(
        state=State.INSTALLED,
        type=IssuedCertificate.Type.STATION,
        charge_point__security_profile=3,
        request__updated_at__lt=now - patient,
    ).select_related("request__charge_point")
    for row in rows[:AT_ONCE]:
        with transaction.atomic():
            IssuedCertificate.objects.filter(pk=row.pk).update(state=State.NOT_ADOPTED)
            delivery.announce_failure(
                row.request, State.NOT_ADOPTED, "The station has not logged on with its new certificate."
            )
