"""URLs below /api/v1."""

from ocpp_server.api.resources import Router
from smart_charging.views import InstalledProfileViewSet

router = Router()
router.register("chargepoints/<str:client_id>/charging-profiles", InstalledProfileViewSet)

urlpatterns = router.urls
