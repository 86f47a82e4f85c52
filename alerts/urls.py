"""The URLs of alerts over REST."""

from django.urls import path

from alerts.views import alerts, recipients, statistics
from ocpp_server.api.resources import Router

router = Router()
router.register("alerts", alerts.AlertViewSet)
router.register("alerts/<str:alert_id>/notes", alerts.AlertNoteViewSet)
router.register("alert-rules", alerts.AlertRuleViewSet)
router.register("alert-recipients", recipients.RecipientViewSet)
router.register("alert-notices", recipients.NoticeViewSet)

# First: `alerts/{alert_id}` would take it.
urlpatterns = [path("alerts/statistics", statistics.StatisticsView.as_view()), *router.urls]
