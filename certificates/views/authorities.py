"""CAs and requests for them over REST."""

from __future__ import annotations

from certificates.filters import AuthorityRequestQuery
from certificates.models import AuthorityRequest, CertificateAuthority
from certificates.serializers.authorities import (
    AuthorityRequestBody,
    AuthorityRequestSerializer,
    CertificateAuthoritySerializer,
)
from certificates.services.certificates import authority_requests
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, All, Create, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.rights import Right, role_for


class CertificateAuthorityViewSet(ResourceViewSet):
    tag, noun, nouns = "Certificates", "certificate authority", "certificate authorities"
    key, has_etag = "authorities", False
    component, label = "CertificateAuthority", "CA {row.name}"
    write_role = role_for(Right.CERTIFICATES)
    queryset = CertificateAuthority.objects.defer("crl").order_by("pk")
    serializer_class = CertificateAuthoritySerializer
    lookup = Lookup("authority_id", "The number of the CA.")
    operations = (
        All(summary="List the CAs"),
        Get(summary="Get a CA"),
        Act(
            name="retire",
            service=authority_requests.retire,
            passes_actor=True,
            summary="Retire a CA",
            sentence="CA {row.name} retired.",
            description="It signs no more certificates. Its revocation list is signed until its end.",
        ),
        Act(
            name="activate",
            service=authority_requests.activate,
            passes_actor=True,
            summary="Activate a retired CA",
            description="It signs certificates again.",
            sentence="CA {row.name} activated.",
        ),
    )


class AuthorityRequestViewSet(ResourceViewSet):
    """The signer changes a request, so it has no ETag."""

    tag, noun, key, has_etag = "Certificates", "authority request", "authorityRequests", False
    component, label = "AuthorityRequest", "CA request {row.pk}"
    write_role = role_for(Right.CERTIFICATES)
    queryset = AuthorityRequest.objects.order_by("-pk")
    serializer_class = AuthorityRequestSerializer
    lookup = Lookup("authority_request_id", "The number of the request.")
    operations = (
        List(AuthorityRequestQuery, summary="List requests for CAs, newest first"),
        Get(summary="Get a request for CAs"),
        Create(
            AuthorityRequestBody,
            authority_requests.create,
            summary="Set up CAs",
            sentence="The signer makes the CAs of {row.organization}.",
            passes_actor=True,
            description="A root, and issuing CAs with RSA and ECDSA keys. The signer makes what is missing "
            "of them within seconds, and `state` is then `done`. The keys never leave it. Without a running "
            "signer the request waits.",
        ),
    )
