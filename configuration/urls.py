"""URLs below /api/v1."""

from configuration.views import ConfigurationViewSet, LocalListOfStationViewSet, LocalListViewSet
from ocpp_server.api.resources import Router

router = Router()
router.register("chargepoints", ConfigurationViewSet)
router.register("chargepoints", LocalListOfStationViewSet, "local-list-of-station")
router.register("local-lists", LocalListViewSet)

urlpatterns = router.urls
