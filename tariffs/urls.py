"""URLs below /api/v1."""

from ocpp_server.api.resources import Router
from tariffs.views import payment, tariff

router = Router()
router.register("chargepoints/<str:client_id>/tariffs", tariff.StationTariffViewSet)
router.register("session-costs", tariff.SessionCostViewSet)
router.register("payments", payment.PaymentViewSet)

urlpatterns = router.urls
