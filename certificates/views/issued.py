"""Issued certificates over REST."""

from __future__ import annotations

from certificates.filters import IssuedCertificateQuery
from certificates.models import IssuedCertificate
from certificates.serializers.issued import IssuedCertificateSerializer, RevokeBody
from certificates.services.certificates import revoking
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for


class IssuedCertificateViewSet(ResourceViewSet):
    """Stations change a certificate by using it, so it has no ETag."""

    tag, noun, key, has_etag = "Certificates", "issued certificate", "issuedCertificates", False
    label = "Certificate {row.serial}"
    write_role = role_for(Right.CERTIFICATES)
    queryset = IssuedCertificate.objects.select_related("charge_point").order_by("-pk")
    serializer_class = IssuedCertificateSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "authority": Expansion("authority", "certificates.views.authorities.CertificateAuthorityViewSet"),
    }
    lookup = Lookup("certificate_id", "The number of the certificate.")
    operations = (
        List(IssuedCertificateQuery, summary="List issued certificates, newest first"),
        Get(),
        Act(
            name="revoke",
            service=revoking.revoke,
            body=RevokeBody,
            passes_actor=True,
            sentence="Certificate {row.serial} revoked.",
            description="For good. A station that logs on with it is refused from now on. The revocation "
            "list of the CA follows in seconds.",
        ),
    )
