"""Sites over REST."""

from __future__ import annotations

from django.db.models import Count

from chargepoints.filters import SiteQuery
from chargepoints.models import ChargePoint, Site
from chargepoints.serializers import SiteBody, SiteChanges, SiteSerializer
from chargepoints.services import sites
from chargepoints.views.lookups import SITE
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.rights import Right, role_for


class SiteViewSet(ResourceViewSet):
    tag, noun = "Sites", "site"
    write_role = role_for(Right.SITES)
    queryset = Site.objects.order_by("name_key", "pk")
    serializer_class = SiteSerializer
    deletions = Site
    lookup = SITE
    operations = (
        List(SiteQuery),
        Get(),
        Create(SiteBody, sites.create),
        Change(
            SiteChanges,
            sites.update,
            description="To move a station to another site, change the station's siteId.",
        ),
        Delete(
            sites.delete,
            role=role_for(Right.DELETION),
            description="A site with stations or access rules is refused with 409.",
        ),
    )

    def prepare(self, rows: list[Site]) -> dict[int | None, int]:
        """The number of stations of each site, in one query."""
        stations = ChargePoint.objects.filter(site__in=rows).order_by()
        return dict(stations.values_list("site").annotate(Count("pk")))
