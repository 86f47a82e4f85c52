"""Trusted roots over REST."""

from __future__ import annotations

from certificates.filters import TrustRootQuery
from certificates.models import TrustRoot
from certificates.serializers.rotation import RotationSerializer
from certificates.serializers.trust_root import TrustRootBody, TrustRootChanges, TrustRootSerializer
from certificates.services.certificates import roots
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Change, Create, Delete, Get, List, Part
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.rights import Right, role_for


class TrustRootViewSet(ResourceViewSet):
    tag, noun = "Certificates", "trusted root"
    key, component = "roots", "TrustRoot"
    write_role = role_for(Right.CERTIFICATES)
    queryset = TrustRoot.objects.order_by("pk")
    serializer_class = TrustRootSerializer
    deletions = TrustRoot
    lookup = Lookup("root_id", "The number of the root.")
    operations = (
        List(TrustRootQuery),
        Get(),
        Create(
            TrustRootBody,
            roots.add,
            word="add",
            sentence="Trusted root {row} added.",
            description="The certificate must be self-signed, of a CA, with a key of 112 bits of strength, "
            "and not expired. Nothing is sent to stations: install-certificate does.",
        ),
        Change(
            TrustRootChanges,
            roots.change,
            description="A disabled root is not trusted any more, and no station gets it. A station keeps "
            "one that it has.",
        ),
        Part(
            name="rotation",
            serializer=RotationSerializer,
            summary="Get the plan for a new CSMS root",
            sentence="Plan for the root {row}.",
            also=(409,),
            description="How many of the stations that check this server know the root, which do not, and "
            "the next steps. A root of another kind is refused with 409.",
        ),
        Delete(
            roots.remove,
            also=(409,),
            description="A root that a station, a root set or a CA of this server has is refused with 409.",
        ),
    )
