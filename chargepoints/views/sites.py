"""Sites over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.filters import SiteQuery
from chargepoints.models import ChargePoint, Site
from chargepoints.serializers import SiteBody, SiteChanges, SiteSerializer
from chargepoints.services import sites
from chargepoints.views.lookups import SITE_PATH, site
from ocpp_server.api import etags
from ocpp_server.api.documents import described, enveloped, listed
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body
from ocpp_server.credentials import Role

TAG = "Sites"
_ONE = enveloped("Site", SiteSerializer)


def _counts(rows: list[Site]) -> dict[int | None, int]:
    """The number of stations of each site, in one query."""
    counted = ChargePoint.objects.filter(site__in=rows).order_by().values_list("site").annotate(Count("pk"))
    return dict(counted)


def _shown(row: Site) -> dict[str, Any]:
    return dict(SiteSerializer(row, context={"prepared": _counts([row])}).data)


class SitesView(ApiView):
    write_role = Role.ADMINISTRATOR

    @described("List sites", listed("Sites", "sites", SiteSerializer), tag=TAG, query=SiteQuery, also=(400,))
    def get(self, request: Request) -> Response:
        return page(
            request,
            kind=SiteQuery,
            rows=Site.objects.order_by("name_key"),
            name="sites",
            noun="sites",
            shape=SiteSerializer,
            prepare=_counts,
        )

    @described("Create a site", _ONE, tag=TAG, status=201, body=SiteBody, changes=True, also=(400,))
    def post(self, request: Request) -> Response:
        made = sites.create(**body(SiteBody, request))
        return etags.tagged(f"Site {made.name} created.", _shown(made), status=201)


class SiteView(ApiView):
    write_role = Role.ADMINISTRATOR

    @described("Get a site", _ONE, tag=TAG, path=SITE_PATH, tagged=True)
    def get(self, request: Request, site_id: str) -> Response:
        found = site(site_id)
        return etags.tagged(f"Site {found.name}.", _shown(found))

    @described(
        "Change a site",
        _ONE,
        tag=TAG,
        path=SITE_PATH,
        body=SiteChanges,
        changes=True,
        guarded=True,
        also=(400,),
        description="To move a station to another site, change the station's siteId.",
    )
    def patch(self, request: Request, site_id: str) -> Response:
        with etags.guarded(request, _shown, site, site_id) as row:
            found = sites.update(row, **body(SiteChanges, request))
        return etags.tagged(f"Site {found.name} changed.", _shown(found))

    @described(
        "Delete a site",
        _ONE,
        tag=TAG,
        path=SITE_PATH,
        changes=True,
        guarded=True,
        description="A site with stations or access rules is refused with 409.",
    )
    def delete(self, request: Request, site_id: str) -> Response:
        with etags.guarded(request, _shown, site, site_id) as found:
            shown = _shown(found)
            sites.delete(found)
        return etags.tagged(f"Site {found.name} deleted.", shown)
