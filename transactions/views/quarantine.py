"""Quarantined messages over REST: about money, and not applied."""

from __future__ import annotations

from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for
from transactions.filters import QuarantineQuery
from transactions.models import QuarantinedMessage
from transactions.serializers.quarantine import QuarantinedMessageSerializer
from transactions.services.transactions import quarantine


class QuarantineViewSet(ResourceViewSet):
    tag, noun, key = "Transactions", "quarantined message", "quarantinedMessages"
    label = "Quarantined message {row.pk}"
    personal = ("detail",)
    component = "QuarantinedMessage"
    write_role = role_for(Right.SESSIONS)
    queryset = QuarantinedMessage.objects.select_related("charge_point").order_by("-received_at", "-pk")
    serializer_class = QuarantinedMessageSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "transaction": Expansion("transaction", "transactions.views.sessions.TransactionViewSet"),
    }
    lookup = Lookup("quarantined_message_id", "The number of the message.")
    operations = (
        List(
            QuarantineQuery,
            summary="List quarantined messages, newest first",
            description="Messages about sessions that match no stored session or contradict it. The station "
            "got an answer, and nothing was changed. `isResolved=false` gives those that need attention.",
        ),
        Get(),
        Act(
            "resolve",
            quarantine.mark_resolved,
            description="Marks the message as resolved; it stays in the list. Correct its session by "
            "POST /api/v1/transactions/{transaction_id}/settle. Of a message that is resolved already, the "
            "time stays.",
        ),
    )
