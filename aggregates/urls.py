"""URLs below /api/v1."""

from aggregates.views import maintenance
from ocpp_server.api.resources import Router

router = Router()
router.register("maintenance-windows", maintenance.MaintenanceWindowViewSet)

urlpatterns = router.urls
