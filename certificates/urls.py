"""URLs below /api/v1."""

from ocpp_server.api.resources import Router

router = Router()

urlpatterns = router.urls
