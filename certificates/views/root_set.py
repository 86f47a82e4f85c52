"""Root sets over REST, the stations that lack a root, and the roots that one station is to have."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from certificates.filters import LackingQuery, RootSetQuery
from certificates.models import RootSet, TrustRoot
from certificates.serializers.root_set import (
    LackingStationSerializer,
    RootSetBody,
    RootSetChanges,
    RootSetCoverageSerializer,
    RootSetSerializer,
    WantedRootSerializer,
)
from certificates.services.certificates import root_sets
from chargepoints.views.lookups import STATION, named_site
from ocpp_server.api.lookups import Lookup, by_number
from ocpp_server.api.operations import All, Change, Create, Delete, Get, List, Part
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right, role_for


def root_set(text: str, *, lock: bool = False) -> RootSet:
    """The root set of this number. Raises Invalid for a bad number, Missing."""
    return by_number(RootSet.objects.all(), text, noun="root set", field="root_set_id", lock=lock)


ROOT_SET = Lookup("root_set_id", "The number of the root set.", find=root_set)


class RootSetViewSet(ResourceViewSet):
    tag, noun = "Certificates", "root set"
    write_role = role_for(Right.CERTIFICATES)
    queryset = RootSet.objects.prefetch_related("roots").order_by("pk")
    serializer_class = RootSetSerializer
    deletions = RootSet
    expansions = {
        "site": Expansion("site", "chargepoints.views.sites.SiteViewSet"),
    }
    lookup = ROOT_SET
    operations = (
        List(RootSetQuery),
        Get(),
        Create(
            RootSetBody,
            root_sets.create,
            description="The roots that stations are to have. Nothing is sent: a campaign of the kind "
            "`root-certificates` installs what is missing.",
        ),
        Change(RootSetChanges, root_sets.change),
        Delete(root_sets.delete, description="Its stations keep the roots that they have."),
        Part(
            name="coverage",
            serializer=RootSetCoverageSerializer,
            summary="Count the stations that have each root of a set",
            sentence="Coverage of the root set {row}.",
            description="Desired against reported: how many stations have each root, lack it, or have never "
            "listed their roots.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if "rootIds" in given:
            numbers = set(given.pop("rootIds"))
            found = list(TrustRoot.objects.filter(pk__in=numbers))
            if len(found) < len(numbers):
                raise Invalid("Must be numbers of trusted roots.", field="rootIds")
            given["roots"] = found
        if "siteId" in given:
            number = given.pop("siteId")
            given["site"] = None if number is None else named_site(number)
        return given


class LackingStationViewSet(ResourceViewSet):
    tag, noun = "Certificates", "station"
    component, has_etag = "LackingStation", False
    serializer_class = LackingStationSerializer
    expansions = {
        "site": Expansion("site", "chargepoints.views.sites.SiteViewSet"),
    }
    parent = ROOT_SET
    operations = (
        List(
            LackingQuery,
            summary="List the stations that lack a root of a set",
            description="With `rootId`: those that lack this one. A station that has never listed its roots "
            "is among them.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return root_sets.lacking(self.parent_row()).order_by("identity_key", "pk")


class WantedRootViewSet(ResourceViewSet):
    tag, noun = "Certificates", "wanted root"
    component, has_etag = "WantedRoot", False
    serializer_class = WantedRootSerializer
    parent = STATION
    operations = (
        All(
            summary="List the roots that a station is to have",
            description="By the root sets that are for it, with the state of each at the station.",
        ),
    )

    def get_queryset(self) -> Any:
        return root_sets.of_station(self.parent_row())
