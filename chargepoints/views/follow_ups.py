"""What a station sent after commands: the messages as received, and the reports that their parts make."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.filters import FollowUpQuery, ReportQuery
from chargepoints.serializers import FollowUpSerializer, ReportSerializer
from chargepoints.views.lookups import STATION_PATH, station
from ocpp_server.api.documents import described, listed
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView

TAG = "Commands"


class FollowUpsView(ApiView):
    @described(
        "List the messages that followed commands, newest first",
        listed("FollowUps", "followUps", FollowUpSerializer, is_series=True),
        tag=TAG,
        path=STATION_PATH,
        query=FollowUpQuery,
        also=(400,),
    )
    def get(self, request: Request, client_id: str) -> Response:
        return page(
            request,
            kind=FollowUpQuery,
            rows=station(client_id).follow_ups.defer("personal_data").order_by("-pk"),
            name="followUps",
            noun="follow-ups",
            shape=FollowUpSerializer,
        )


class ReportsView(ApiView):
    @described(
        "List the reports that the station sent in parts, newest first",
        listed("Reports", "reports", ReportSerializer, is_series=True),
        tag=TAG,
        path=STATION_PATH,
        query=ReportQuery,
        also=(400,),
    )
    def get(self, request: Request, client_id: str) -> Response:
        return page(
            request,
            kind=ReportQuery,
            rows=station(client_id).reports.order_by("-started_at", "-pk"),
            name="reports",
            noun="reports",
            shape=ReportSerializer,
        )
