"""The end of every certificate that this server knows: CAs, roots, issued and installed ones."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from certificates.models import (
    CertificateAuthority,
    ExpiryNotice,
    InstalledCertificate,
    IssuedCertificate,
    TrustRoot,
)
from ocpp_server import sites
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import certificates
from ocpp_server.protocol.translate import time as time_text

# The days before the end at which the event is sent, the first one first.
NOTICES: Final = (30, 14, 3)
# The certificates of one answer, the first to end first.
MOST: Final = 500
# Certificates that ended longer ago are listed no more.
ENDED_SHOWN: Final = timedelta(days=30)
_MOST_NOTICES: Final = 5000


class Kind(StrEnum):
    AUTHORITY = "authority"
    ROOT = "root"
    ISSUED = "issued"
    INSTALLED = "installed"


class Ending(NamedTuple):
    """A certificate with its end. `pk` is the number of its row; `station` is empty for one of several."""

    kind: Kind
    pk: int
    type: str
    subject: str
    sha256: str
    not_after: datetime
    station: str = ""

    @property
    def days(self) -> int:
        """Whole days until the end; below 0 after it."""
        return (self.not_after - timezone.now()).days


# -- the rows ------------------------------------------------------------------------------------------------


_Issued = IssuedCertificate.State
# The states of issued certificates that nothing uses any more.
_UNUSED: Final = (_Issued.REFUSED, _Issued.SUPERSEDED, _Issued.REVOKED, _Issued.EXPIRED)


def _rows(kind: Kind) -> QuerySet[Any]:
    """The certificates of a kind that are in use. An installed one that is a root or was issued by a CA of
    ours is in the rows of these.
    """
    if kind == Kind.AUTHORITY:
        # Retired ones too: stations and certificates may still need them.
        return CertificateAuthority.objects.all()
    if kind == Kind.ROOT:
        return TrustRoot.objects.filter(is_enabled=True, authority__isnull=True)
    if kind == Kind.ISSUED:
        return IssuedCertificate.objects.exclude(state__in=_UNUSED)
    rows = InstalledCertificate.objects.current()
    return rows.filter(not_after__isnull=False, issued__isnull=True).filter(
        Q(root__isnull=True) | Q(is_cross_signed=True)
    )


def listed(
    *, before: datetime | None = None, kinds: Collection[str] = tuple(Kind)
) -> tuple[list[Ending], int]:
    """The first MOST certificates to end, and how many there are; `before` this time, unless None."""
    found: list[Ending] = []
    total = 0
    for kind in map(Kind, kinds):
        rows = _rows(kind).filter(not_after__gt=timezone.now() - ENDED_SHOWN)
        if before is not None:
            rows = rows.filter(not_after__lt=before)
        total += rows.count()
        found += [_ending(kind, row) for row in _joined(kind, rows).order_by("not_after", "pk")[:MOST]]
    return sorted(found, key=lambda one: (one.not_after, one.kind, one.pk))[:MOST], total


def _joined(kind: Kind, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("charge_point") if kind in (Kind.ISSUED, Kind.INSTALLED) else rows


def _ending(kind: Kind, row: Any) -> Ending:
    station = getattr(row, "charge_point", None)
    type_ = {Kind.AUTHORITY: "usage", Kind.ROOT: "kind"}.get(kind, "type")
    return Ending(
        kind,
        row.pk,
        getattr(row, type_),
        row.subject,
        row.sha256,
        row.not_after,
        station=station.identity if station is not None else "",
    )


def soon(now: datetime) -> int:
    """How many certificates end within the first of NOTICES, or have ended."""
    before = now + timedelta(days=NOTICES[0])
    since = now - ENDED_SHOWN
    ending = (_rows(kind).filter(not_after__gt=since, not_after__lt=before) for kind in Kind)
    return sum(sites.limited(rows).count() for rows in ending)


def first_ends() -> dict[tuple[str, str], datetime]:
    """The first end of a certificate in use, by kind and type. One query for each kind."""
    found: dict[tuple[str, str], datetime] = {}
    for kind in Kind:
        column = {Kind.AUTHORITY: "usage", Kind.ROOT: "kind"}.get(kind, "type")
        ends = _rows(kind).order_by().values_list(column).annotate(first=Min("not_after"))
        found |= {(kind.value, type_): first for type_, first in ends}
    return found


# -- events --------------------------------------------------------------------------------------------------


def announce() -> None:
    """Send the events about certificates that have come within 30, 14 or 3 days of their end, once each.

    A certificate that many stations have is announced once, with their number. One that is found late, such
    as after an upload, is announced for the smallest distance alone.
    """
    now = timezone.now()
    for kind in Kind:
        rows = _rows(kind).filter(not_after__gt=now, not_after__lt=now + timedelta(days=NOTICES[0]))
        known: set[str] = set()
        for row in rows.order_by("not_after", "pk")[:_MOST_NOTICES]:
            if row.sha256 not in known:
                known.add(row.sha256)
                _announce(_ending(kind, row), now)
    ExpiryNotice.objects.filter(not_after__lt=now - ENDED_SHOWN).delete()


def _announce(one: Ending, now: datetime) -> None:
    left = one.not_after - now
    days = min(days for days in NOTICES if left < timedelta(days=days))
    _notice, is_new = ExpiryNotice.objects.get_or_create(
        sha256=one.sha256, days=days, defaults={"not_after": one.not_after}
    )
    if not is_new:
        return
    counted = InstalledCertificate.objects.current().filter(sha256=one.sha256)
    stations = counted.aggregate(number=Count("charge_point", distinct=True))["number"]
    outbox.emit(
        certificates.EXPIRING,
        station=one.station if one.kind == Kind.ISSUED else "",
        kind=one.kind.value,
        certificateType=one.type,
        subject=one.subject,
        sha256=one.sha256,
        notAfter=time_text(one.not_after),
        days=days,
        stations=stations,
    )
