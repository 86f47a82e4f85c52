"""Refused tokens over REST: who was refused where, and why."""

from __future__ import annotations

from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from transactions.filters import RefusalQuery
from transactions.models import Refusal
from transactions.serializers.refusals import RefusalSerializer


class RefusalViewSet(ResourceViewSet):
    tag, noun, key = "Tokens", "refused token", "refusedTokens"
    personal = ("idTag",)
    component = "RefusedToken"
    has_etag = False
    queryset = Refusal.objects.select_related("charge_point").order_by("-at", "-pk")
    serializer_class = RefusalSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "token": Expansion("token", "accounts.views.tokens.TokenViewSet"),
    }
    lookup = Lookup("refusal_id", "The number of the refusal.")
    operations = (
        List(
            RefusalQuery,
            summary="List refused tokens, newest first",
            description="With `purpose=contract` only those of Plug & Charge.",
        ),
        Get(),
    )
