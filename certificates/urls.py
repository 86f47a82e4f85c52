"""URLs below /api/v1."""

from certificates.views.installed import InstalledCertificateViewSet
from certificates.views.trust_root import TrustRootViewSet
from ocpp_server.api.resources import Router

router = Router()
router.register("certificates/roots", TrustRootViewSet)
router.register("chargepoints/<str:client_id>/certificates", InstalledCertificateViewSet)

urlpatterns = router.urls
