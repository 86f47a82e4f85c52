"""URLs below /api/v1."""

from alerts.views import recipients
from ocpp_server.api.resources import Router

router = Router()
router.register("alert-recipients", recipients.RecipientViewSet)
router.register("alert-notices", recipients.NoticeViewSet)

urlpatterns = router.urls
