"""URLs below /api/v1."""

from django.urls import path

from certificates.views import (
    authorities,
    expiring,
    installed,
    issued,
    revocation,
    root_set,
    signing_requests,
    trust_root,
)
from ocpp_server.api.resources import Router

router = Router()
router.register("certificates/authorities", authorities.CertificateAuthorityViewSet)
router.register("certificates/authority-requests", authorities.AuthorityRequestViewSet)
router.register("certificates/signing-requests", signing_requests.SigningRequestViewSet)
router.register("certificates/issued", issued.IssuedCertificateViewSet)
router.register("certificates/roots", trust_root.TrustRootViewSet)
router.register("certificates/revocations", revocation.RevokedCertificateViewSet)
router.register("certificates/revocation-lists", revocation.RevocationListViewSet)
router.register("certificates/root-sets", root_set.RootSetViewSet)
router.register("certificates/root-sets/<str:root_set_id>/lacking-stations", root_set.LackingStationViewSet)
router.register("chargepoints/<str:client_id>/wanted-roots", root_set.WantedRootViewSet)
router.register("chargepoints/<str:client_id>/certificates", installed.InstalledCertificateViewSet)

urlpatterns = [path("certificates/expiring", expiring.ExpiringView.as_view()), *router.urls]
