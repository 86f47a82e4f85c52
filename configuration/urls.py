"""URLs below /api/v1."""

from configuration.views import ConfigurationViewSet
from ocpp_server.api.resources import Router

router = Router()
router.register("chargepoints", ConfigurationViewSet)

urlpatterns = router.urls
