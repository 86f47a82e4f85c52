"""URLs below /api/v1."""

from ocpp_server.api.resources import Router
from sandbox.views import VirtualStationViewSet

router = Router()
router.register("sandbox/stations", VirtualStationViewSet)

urlpatterns = router.urls
