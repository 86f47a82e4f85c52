"""Campaigns over REST, and their stations."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from chargepoints.filters import CampaignQuery, CampaignStationQuery
from chargepoints.models import Campaign, CampaignStation
from chargepoints.serializers.campaigns import (
    CampaignBody,
    CampaignChanges,
    CampaignSerializer,
    CampaignStationSerializer,
    RetryBody,
)
from chargepoints.services.campaigns import operating, planning, stepping
from chargepoints.views.lookups import CAMPAIGN, named_site
from ocpp_server.api.operations import Act, Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, has_role, role_for

TAG = "Campaigns"


class CampaignViewSet(ResourceViewSet):
    """The campaigns. Their progress changes without a request, so a campaign has no ETag."""

    tag, noun = TAG, "campaign"
    has_etag = False
    write_role = role_for(Right.CAMPAIGNS)
    queryset = Campaign.objects.order_by("-pk")
    serializer_class = CampaignSerializer
    deletions = Campaign
    lookup = CAMPAIGN
    operations = (
        List(CampaignQuery, summary="List campaigns, newest first"),
        Get(),
        Create(
            CampaignBody,
            planning.create,
            passes_actor=True,
            summary="Create a campaign: one wish for many stations, with a result for each",
            description="It begins at once, or at startsAt. The caller needs the role of the command too.",
        ),
        Change(
            CampaignChanges,
            operating.change,
            also=(409,),
            description="Its name at any time; the others while it is running or paused, for what is still "
            "to be sent.",
        ),
        Delete(
            operating.delete,
            also=(409,),
            description="With its results; its commands stay. A campaign with stations that have no result "
            "yet is refused with 409.",
        ),
        Act(
            "pause",
            operating.pause,
            passes_actor=True,
            also=(409,),
            description="Nothing more is sent until it is resumed. What was sent gets its result.",
        ),
        Act(
            "resume",
            operating.resume,
            also=(409,),
            description="The failures so far do not pause it again.",
        ),
        Act(
            "cancel",
            operating.cancel,
            sentence="Campaign {row} cancelled.",
            also=(409,),
            description="Nothing more is sent. What was sent gets its result.",
        ),
        Act(
            "retry-failed",
            operating.retry_failed,
            RetryBody,
            summary="Let the failed and offline stations of a campaign try again",
            sentence="The failed stations of campaign {row} wait for another attempt.",
            also=(409,),
            description="Also of a finished campaign, which runs again.",
        ),
    )

    def prepare(self, rows: list[Campaign]) -> dict[int, dict[str, int]]:
        """The counts of each campaign, in one query."""
        return stepping.totals_of(rows)

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.action != "create":
            return given
        self._require_role(given)
        stations = given["stations"]
        if "site" in stations:
            stations["site"] = named_site(stations["site"], "stations.siteId")
        return given

    def _require_role(self, given: dict[str, Any]) -> None:
        """Refuse a kind with arguments that the caller may not send to a single station either."""
        kind = planning.find_kind(given["kind"])
        needed = kind.role(kind.check(given["arguments"]))
        if not has_role(self.request.user, needed):
            raise PermissionDenied(f"Only the role {needed} may do this.")


class CampaignStationViewSet(ResourceViewSet):
    tag, noun = TAG, "station of a campaign"
    nouns, key, component = "stations", "stations", "CampaignStation"
    has_etag = False
    serializer_class = CampaignStationSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "command": Expansion("command", "chargepoints.views.commands.AllCommandsViewSet"),
    }
    parent = CAMPAIGN
    operations = (List(CampaignStationQuery, summary="List the stations of a campaign with their results"),)

    def get_queryset(self) -> QuerySet[CampaignStation]:
        rows = CampaignStation.objects.filter(campaign=self.parent_row())
        return rows.select_related("charge_point").order_by("pk")
