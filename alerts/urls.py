"""The URLs of alerts over REST."""

from alerts.views import alerts, recipients
from ocpp_server.api.resources import Router

router = Router()
router.register("alerts", alerts.AlertViewSet)
router.register("alerts/<str:alert_id>/notes", alerts.AlertNoteViewSet)
router.register("alert-rules", alerts.AlertRuleViewSet)
router.register("alert-recipients", recipients.RecipientViewSet)
router.register("alert-notices", recipients.NoticeViewSet)

urlpatterns = router.urls
