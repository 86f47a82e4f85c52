"""The plan for a new CSMS root: how many stations know it, and what comes next.

Two roots are valid at a time. This server may use a certificate below the new root once all stations that
check it know that root; the old one goes from the stations after that (2.0.1 M05.FR.09 to 16).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext

from certificates.models import TrustRoot
from certificates.services.certificates import installing, matching, root_sets
from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict

# The stations that are named in a plan.
MOST_NAMED: Final = 200
# Stations check the certificate of this server from this security profile on.
_CHECKS_SERVER: Final = 2
_TYPE: Final = matching.TYPES[TrustRoot.Kind.CSMS]


class Lacking(NamedTuple):
    """A station that does not know the new root. `has_listed`: whether it has ever listed its roots;
    `needs_cross_signed`: it takes only a root that the present one has signed.
    """

    charge_point: ChargePoint
    has_listed: bool
    needs_cross_signed: bool


class Other(NamedTuple):
    """Another CSMS root, with the number of stations that know it."""

    root: TrustRoot
    stations: int


class Plan(NamedTuple):
    """`stations` check this server; `known` of them know the root. `lacking` are the first MOST_NAMED others.
    `steps` are sentences, the next one first.
    """

    root: TrustRoot
    stations: int
    known: int
    lacking: list[Lacking]
    others: list[Other]
    steps: list[str]

    @property
    def is_ready(self) -> bool:
        return self.known == self.stations


def plan(root: TrustRoot) -> Plan:
    """The plan for this root. Raises Conflict for a root of another kind. Uses the database."""
    if root.kind != TrustRoot.Kind.CSMS:
        raise Conflict(f"{root} is no CSMS root: stations do not check this server by it.")
    stations = checking()
    lacking = root_sets.without(stations, root)
    count, lacking_count = stations.count(), lacking.count()
    named = [_lacking(one) for one in _listed(lacking)]
    others = [
        Other(other, count - root_sets.without(stations, other).count())
        for other in TrustRoot.objects.filter(kind=root.kind, is_enabled=True).exclude(pk=root.pk)
    ]
    steps = list(_steps(root, lacking_count, count, named, others))
    return Plan(root, count, count - lacking_count, named, others, steps)


def checking() -> QuerySet[ChargePoint]:
    """The stations that check the certificate of this server."""
    rows = ChargePoint.objects.filter(security_profile__gte=_CHECKS_SERVER)
    return rows.exclude(registration_status=ChargePoint.Registration.REJECTED)


def _listed(lacking: QuerySet[ChargePoint]) -> QuerySet[ChargePoint]:
    return lacking.select_related("certificate_inventory").order_by("identity_key")[:MOST_NAMED]


def _lacking(charge_point: ChargePoint) -> Lacking:
    inventory = getattr(charge_point, "certificate_inventory", None)
    has_listed = inventory is not None and _TYPE in inventory.reported
    return Lacking(charge_point, has_listed, installing.checks_roots(charge_point))


def _steps(
    root: TrustRoot, lacking: int, stations: int, named: list[Lacking], others: list[Other]
) -> list[str]:
    """The sentences of a plan, the next step first."""
    needing = sum(one.needs_cross_signed for one in named)
    steps = []
    if not root.is_enabled:
        steps.append(gettext("Enable the root: no station gets a disabled one."))
    if needing and not root.cross_signed:
        words = gettext(
            "Add the cross-signed form of the root: %(count)s stations take only a root that the present one "
            "has signed."
        )
        steps.append(words % {"count": needing})
    if lacking:
        words = gettext(
            "Install the root: %(lacking)s of %(stations)s stations don't know the new root. A root set and "
            "a campaign of the kind root-certificates do that."
        )
        steps.append(words % {"lacking": lacking, "stations": stations})
        steps.append(gettext("Keep the certificate of this server below the old root until then."))
        return steps
    steps.append(gettext("All stations know the root: this server may use a certificate below it."))
    for other in others:
        if other.stations:
            words = gettext("Later delete %(root)s from the %(count)s stations that know it.")
            steps.append(words % {"root": other.root, "count": other.stations})
    return steps
