"""Messages that followed commands, as received, and the reports that their parts make."""

from __future__ import annotations

from django.db.models import QuerySet

from chargepoints.filters import FollowUpQuery, ReportQuery
from chargepoints.models import FollowUp, ReportAssembly
from chargepoints.serializers import FollowUpSerializer, ReportSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.operations import List
from ocpp_server.api.resources import ResourceViewSet

TAG = "Commands"


class FollowUpViewSet(ResourceViewSet):
    tag, noun, key, component = TAG, "follow-up", "followUps", "FollowUp"
    serializer_class = FollowUpSerializer
    parent = STATION
    operations = (List(FollowUpQuery, summary="List the messages that followed commands, newest first"),)

    def get_queryset(self) -> QuerySet[FollowUp]:
        return FollowUp.objects.filter(charge_point=self.parent_row()).defer("personal_data").order_by("-pk")


class ReportViewSet(ResourceViewSet):
    tag, noun = TAG, "report"
    serializer_class = ReportSerializer
    parent = STATION
    operations = (List(ReportQuery, summary="List the reports that the station sent in parts, newest first"),)

    def get_queryset(self) -> QuerySet[ReportAssembly]:
        return ReportAssembly.objects.filter(charge_point=self.parent_row()).order_by("-started_at", "-pk")
