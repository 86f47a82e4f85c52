"""Messages that followed commands, as received, and the reports that their parts make."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.filters import FollowUpQuery, ReportQuery
from chargepoints.serializers import FollowUpSerializer, ReportSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet


class FollowUpViewSet(ResourceViewSet):
    tag, noun, key = "Commands", "follow-up", "followUps"
    component = "FollowUp"
    serializer_class = FollowUpSerializer
    parent = STATION
    lookup = Lookup("follow_up_id", "The number of the follow-up.")
    operations = (
        List(FollowUpQuery, summary="List the messages that followed commands, newest first"),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().follow_ups.defer("personal_data").order_by("-pk")
        return rows


class ReportViewSet(ResourceViewSet):
    tag, noun = "Commands", "report"
    serializer_class = ReportSerializer
    parent = STATION
    lookup = Lookup("report_id", "The number of the report.")
    operations = (List(ReportQuery, summary="List the reports sent in parts, newest first"), Get())

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().reports.order_by("-started_at", "-pk")
        return rows
