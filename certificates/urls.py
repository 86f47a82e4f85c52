"""URLs below /api/v1."""

from certificates.views.installed import InstalledCertificateViewSet
from certificates.views.root_set import LackingStationViewSet, RootSetViewSet, WantedRootViewSet
from certificates.views.trust_root import TrustRootViewSet
from ocpp_server.api.resources import Router

router = Router()
router.register("certificates/root-sets", RootSetViewSet)
router.register("certificates/root-sets/<str:root_set_id>/lacking-stations", LackingStationViewSet)
router.register("chargepoints/<str:client_id>/wanted-roots", WantedRootViewSet)
router.register("certificates/roots", TrustRootViewSet)
router.register("chargepoints/<str:client_id>/certificates", InstalledCertificateViewSet)
from certificates.views import authorities, issued, signing_requests
from ocpp_server.api.resources import Router

router = Router()
router.register("certificates/authorities", authorities.CertificateAuthorityViewSet)
router.register("certificates/authority-requests", authorities.AuthorityRequestViewSet)
router.register("certificates/signing-requests", signing_requests.SigningRequestViewSet)
router.register("certificates/issued", issued.IssuedCertificateViewSet)

urlpatterns = router.urls
