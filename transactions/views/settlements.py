"""Settlements over REST: the decisions of operators about sessions."""

from __future__ import annotations

from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from transactions.filters import SettlementQuery
from transactions.models import Settlement
from transactions.serializers.settlements import ListedSettlementSerializer


class SettlementViewSet(ResourceViewSet):
    tag, noun = "Transactions", "settlement"
    label = "Settlement {row.pk}"
    has_etag = False
    queryset = Settlement.objects.select_related("transaction__charge_point").order_by("-created_at", "-pk")
    serializer_class = ListedSettlementSerializer
    expansions = {
        "transaction": Expansion("transaction", "transactions.views.sessions.TransactionViewSet"),
    }
    lookup = Lookup("settlement_id", "The number of the settlement.")
    operations = (
        List(
            SettlementQuery,
            summary="List settlements of sessions, newest first",
            description="Each is a decision of an operator about a session, which was ended or settled, with "
            "the reason and the values before and after. A settlement is never changed.",
        ),
        Get(),
    )
