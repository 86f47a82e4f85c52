"""Revoked certificates and revocation lists of other CAs over REST."""

from __future__ import annotations

from certificates.filters import RevocationListQuery, RevokedCertificateQuery
from certificates.models import RevocationList, RevokedCertificate
from certificates.serializers.revocation import (
    RevocationListBody,
    RevocationListChanges,
    RevocationListSerializer,
    RevokedCertificateBody,
    RevokedCertificateSerializer,
)
from certificates.services.certificates import own_list, revocation_lists
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.rights import Right, role_for


class RevokedCertificateViewSet(ResourceViewSet):
    tag, noun = "Certificates", "revoked certificate"
    key, component = "revocations", "RevokedCertificate"
    write_role = role_for(Right.CERTIFICATES)
    queryset = RevokedCertificate.objects.order_by("-pk")
    serializer_class = RevokedCertificateSerializer
    deletions = RevokedCertificate
    lookup = Lookup("revocation_id", "The number of the entry.")
    operations = (
        List(RevokedCertificateQuery, summary="List the revoked certificates of other CAs, newest first"),
        Get(),
        Create(
            RevokedCertificateBody,
            own_list.add,
            passes_actor=True,
            word="add",
            sentence="Revoked certificate {row} added.",
            description="For certificates of other CAs, such as a manufacturer's. The next logon with it is "
            "refused within seconds.",
        ),
        Delete(
            own_list.remove,
            passes_actor=True,
            description="The certificate is accepted again where all else is right.",
        ),
    )


class RevocationListViewSet(ResourceViewSet):
    tag, noun = "Certificates", "revocation list"
    component = "RevocationList"
    write_role = role_for(Right.CERTIFICATES)
    queryset = RevocationList.objects.defer("content").order_by("pk")
    serializer_class = RevocationListSerializer
    deletions = RevocationList
    lookup = Lookup("list_id", "The number of the list.")
    # `isOver` changes by itself.
    has_etag = False
    operations = (
        List(RevocationListQuery),
        Get(),
        Create(
            RevocationListBody,
            revocation_lists.add,
            passes_actor=True,
            word="add",
            sentence="Revocation list {row} added.",
            description="A trusted root, a CA of this server, or the given CA below a root must have signed "
            "it. With a URL the server fetches it again before it ends.",
        ),
        Change(
            RevocationListChanges,
            revocation_lists.change,
            passes_actor=True,
            description="A list replaces an older one of the same CA.",
        ),
        Delete(revocation_lists.remove),
    )
