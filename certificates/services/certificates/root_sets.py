"""Root sets: the roots that stations are to have, compared with the lists of the stations.

Nothing is stored about the comparison: a root is there where a current row of the station says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from certificates.models import CertificateInventory, InstalledCertificate, RootSet, TrustRoot
from certificates.services.certificates import matching
from chargepoints.models import ChargePoint, Site
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import installed_certificates
from ocpp_server.protocol.versions import VERSIONS

MOST_ROOTS: Final = 20
_Row = InstalledCertificate.State


class Wanted(StrEnum):
    """The state of a root that a station is to have."""

    INSTALLED = "installed"
    # The station has accepted it, and has not listed it yet.
    ACCEPTED = "accepted"
    MISSING = "missing"
    # The station has never listed its roots of this kind.
    UNKNOWN = "unknown"
    # The OCPP version of the station has no such type.
    NOT_SUPPORTED = "not-supported"


class WantedRoot(NamedTuple):
    """A root that a station is to have, with the first set that says so."""

    root: TrustRoot
    root_set: RootSet
    state: Wanted

    @property
    def certificate_type(self) -> str:
        return matching.TYPES[TrustRoot.Kind(self.root.kind)]


class Coverage(NamedTuple):
    """How many of the stations of a set have one of its roots, lack it, and have not listed their roots."""

    root: TrustRoot
    stations: int
    installed: int
    missing: int
    unknown: int


# -- changing ------------------------------------------------------------------------------------------------


def create(**settings: Any) -> RootSet:
    """Create a set. Raises Invalid, and Conflict for a name that exists."""
    return _save(RootSet(), settings)


def change(root_set: RootSet, **settings: Any) -> None:
    """Change the given settings. Nothing is sent to stations. Raises Invalid, Conflict."""
    _save(root_set, settings)


def delete(root_set: RootSet) -> None:
    """Delete a set. Its stations keep the roots that they have."""
    root_set.delete()


def _save(root_set: RootSet, settings: dict[str, Any]) -> RootSet:
    roots: Sequence[TrustRoot] | None = settings.pop("roots", None)
    for name, value in settings.items():
        setattr(root_set, name, value.strip() if isinstance(value, str) else value)
    if not root_set.name:
        raise Invalid("Must not be blank.", field="name")
    check_target(root_set.site, root_set.vendor, root_set.model)
    if roots is not None and not 1 <= len(set(roots)) <= MOST_ROOTS:
        raise Invalid(f"A set has 1 to {MOST_ROOTS} roots.", field="rootIds")
    try:
        with transaction.atomic():
            root_set.save()
            if roots is not None:
                root_set.roots.set(roots)
    except IntegrityError:
        sentence = f"A root set {root_set.name} already exists."
        raise Conflict(sentence, field="name", code=Code.DUPLICATE) from None
    return root_set


def check_target(site: Site | None, vendor: str, model: str) -> None:
    """Raises Invalid for a vendor without a model."""
    if vendor and not model:
        raise Invalid("A vendor needs a model.", field="model")


# -- comparing -----------------------------------------------------------------------------------------------


def targets(root_set: RootSet) -> QuerySet[ChargePoint]:
    """The stations that a set is for."""
    rows = ChargePoint.objects.exclude(registration_status=ChargePoint.Registration.REJECTED)
    if root_set.site_id is not None:
        rows = rows.filter(site=root_set.site_id)
    if root_set.model:
        rows = rows.filter(model=root_set.model)
    if root_set.vendor:
        rows = rows.filter(vendor=root_set.vendor)
    return rows


def of_station(charge_point: ChargePoint, *, only: int | None = None) -> list[WantedRoot]:
    """The roots that a station is to have, each once; `only` is the number of the one set to look at."""
    for_model = Q(model="") | Q(model=charge_point.model, vendor__in=("", charge_point.vendor))
    for_site = Q(site__isnull=True) | Q(site=charge_point.site_id)
    sets = RootSet.objects.filter(for_model & for_site, is_enabled=True)
    if only is not None:
        sets = sets.filter(pk=only)
    found: dict[int, tuple[TrustRoot, RootSet]] = {}
    for one in sets.prefetch_related("roots"):
        for root in one.roots.all():
            if root.is_enabled:
                found.setdefault(root.pk, (root, one))
    return _compared(charge_point, found.values())


def _compared(charge_point: ChargePoint, wanted: Iterable[tuple[TrustRoot, RootSet]]) -> list[WantedRoot]:
    rows = InstalledCertificate.objects.current().filter(charge_point=charge_point, root__isnull=False)
    states: dict[int | None, str] = {}
    for root_id, state in rows.values_list("root_id", "state"):
        if states.get(root_id) != _Row.INSTALLED:
            states[root_id] = state
    inventory = CertificateInventory.objects.filter(pk=charge_point.pk).first()
    reported = inventory.reported if inventory is not None else {}
    return [
        WantedRoot(root, root_set, _state(charge_point, root, states, reported)) for root, root_set in wanted
    ]


def _state(
    charge_point: ChargePoint, root: TrustRoot, states: dict[int | None, str], reported: dict[str, str]
) -> Wanted:
    type_ = matching.TYPES[TrustRoot.Kind(root.kind)]
    version = charge_point.ocpp_version
    if version in VERSIONS and type_ not in installed_certificates.root_types(version):
        return Wanted.NOT_SUPPORTED
    if root.pk in states:
        return Wanted(states[root.pk])
    return Wanted.MISSING if type_ in reported else Wanted.UNKNOWN


def coverage(root_set: RootSet) -> list[Coverage]:
    """How far the stations of a set have its roots. Two queries for each root."""
    stations = targets(root_set)
    count = stations.count()
    found = []
    for root in root_set.roots.filter(is_enabled=True):
        lacking = without(stations, root)
        lacking_count = lacking.count()
        type_ = matching.TYPES[TrustRoot.Kind(root.kind)]
        missing = lacking.filter(certificate_inventory__reported__has_key=type_).count()
        found.append(Coverage(root, count, count - lacking_count, missing, lacking_count - missing))
    return found


def without(stations: QuerySet[ChargePoint], root: TrustRoot) -> QuerySet[ChargePoint]:
    """The stations among these whose lists do not have the root, in either form."""
    has_it = InstalledCertificate.objects.current().filter(
        charge_point=OuterRef("pk"), root=root, state=_Row.INSTALLED
    )
    return stations.filter(~Exists(has_it))


def lacking(root_set: RootSet) -> QuerySet[ChargePoint]:
    """The stations of a set that lack one of its roots."""
    condition = Q(pk__in=())
    for root in root_set.roots.filter(is_enabled=True):
        has_it = InstalledCertificate.objects.current().filter(
            charge_point=OuterRef("pk"), root=root, state=_Row.INSTALLED
        )
        condition |= ~Q(Exists(has_it))
    return targets(root_set).filter(condition)


def sentence(one: Coverage) -> str:
    """The coverage of a root in words."""
    words = {
        "root": one.root,
        "stations": one.stations,
        "lacking": one.stations - one.installed,
        "unknown": one.unknown,
    }
    if one.stations == one.installed:
        return gettext("%(root)s: all %(stations)s stations know it.") % words
    if one.unknown:
        return (
            gettext(
                "%(root)s: %(lacking)s of %(stations)s stations don't know it; %(unknown)s of them have not "
                "listed their roots."
            )
            % words
        )
    return gettext("%(root)s: %(lacking)s of %(stations)s stations don't know it.") % words
