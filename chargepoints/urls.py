"""URLs below /api/v1."""

from django.urls import path

from chargepoints.views import commands, follow_ups, sites, stations
from ocpp_server.api.resources import Router

_ONE = "chargepoints/<str:client_id>"

router = Router()
router.register("chargepoints", commands.OperatorCommandViewSet)
router.register("sites", sites.SiteViewSet)

urlpatterns = [
    path("chargepoints", stations.ChargePointsView.as_view()),
    path(_ONE, stations.ChargePointView.as_view()),
    path(f"{_ONE}/status", stations.StatusView.as_view()),
    path(f"{_ONE}/connectors", stations.ConnectorsView.as_view()),
    path(f"{_ONE}/connectors/<str:connector_id>", stations.ConnectorView.as_view()),
    path(f"{_ONE}/commands", commands.CommandsView.as_view()),
    path(f"{_ONE}/commands/<str:request_id>", commands.CommandView.as_view()),
    path(f"{_ONE}/messages", commands.MessagesView.as_view()),
    path(f"{_ONE}/follow-ups", follow_ups.FollowUpsView.as_view()),
    path(f"{_ONE}/reports", follow_ups.ReportsView.as_view()),
    *router.urls,
]
