"""URLs below /api/v1."""

from aggregates.views import aggregates, maintenance
from ocpp_server.api.resources import Router

router = Router()
router.register("maintenance-windows", maintenance.MaintenanceWindowViewSet)
router.register("outages", aggregates.OutageViewSet)
router.register("aggregates/sites", aggregates.SiteAggregateViewSet)
router.register("aggregates/stations", aggregates.StationAggregateViewSet)
router.register("aggregates/connectors", aggregates.ConnectorAggregateViewSet)
router.register("aggregates/contracts", aggregates.ContractAggregateViewSet)
router.register("aggregates/uptime", aggregates.UptimeViewSet)

urlpatterns = router.urls
