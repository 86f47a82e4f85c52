"""URLs below /api/v1."""

from ocpp_server.api.resources import Router
from smart_charging.views import (
    ChargingPlanViewSet,
    DerAlarmViewSet,
    DerControlViewSet,
    ExternalLimitViewSet,
    InstalledProfileViewSet,
)

_ONE = "chargepoints/<str:client_id>"

router = Router()
router.register(f"{_ONE}/charging-profiles", InstalledProfileViewSet)
router.register(f"{_ONE}/charging-limits", ExternalLimitViewSet)
router.register(f"{_ONE}/charging-plans", ChargingPlanViewSet)
router.register(f"{_ONE}/der-controls", DerControlViewSet)
router.register(f"{_ONE}/der-alarms", DerAlarmViewSet)

urlpatterns = router.urls
