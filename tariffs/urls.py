"""URLs below /api/v1."""

from ocpp_server.api.resources import Router
from tariffs.views import payment, tariff, web_payment

router = Router()
router.register("chargepoints/<str:client_id>/tariffs", tariff.StationTariffViewSet)
router.register("session-costs", tariff.SessionCostViewSet)
router.register("payments", payment.PaymentViewSet)
router.register("web-payments", web_payment.WebPaymentViewSet)
router.register("chargepoints/<str:client_id>/web-payment-keys", web_payment.WebPaymentKeyViewSet)

urlpatterns = router.urls
