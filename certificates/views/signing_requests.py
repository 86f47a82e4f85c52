"""Signing requests over REST: their state, approval and rejection."""

from __future__ import annotations

from certificates.filters import SigningRequestQuery
from certificates.models import SigningRequest
from certificates.serializers.signing_requests import RejectBody, SigningRequestSerializer
from certificates.services.certificates import requesting
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for


class SigningRequestViewSet(ResourceViewSet):
    """Stations and the signer change a request, so it has no ETag."""

    tag, noun, key, has_etag = "Certificates", "signing request", "signingRequests", False
    label = "Signing request {row.pk}"
    write_role = role_for(Right.CERTIFICATES)
    queryset = SigningRequest.objects.select_related("charge_point").order_by("-pk")
    serializer_class = SigningRequestSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "authority": Expansion("authority", "certificates.views.authorities.CertificateAuthorityViewSet"),
        "certificate": Expansion("certificate", "certificates.views.issued.IssuedCertificateViewSet"),
    }
    lookup = Lookup("signing_request_id", "The number of the signing request.")
    operations = (
        List(
            SigningRequestQuery,
            summary="List signing requests, newest first",
            description="`state=waiting`: they need an approval.",
        ),
        Get(),
        Act(
            name="approve",
            service=requesting.approve,
            passes_actor=True,
            description="The signer signs it, and the server sends the certificate. 409 unless it waits for "
            "approval, or was not signed.",
        ),
        Act(
            name="reject",
            service=requesting.decline,
            body=RejectBody,
            passes_actor=True,
            sentence="Signing request {row.pk} rejected.",
            description="The station gets no certificate; it has got the answer Accepted before. "
            "409 as above.",
        ),
    )
