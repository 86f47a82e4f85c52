"""Payments over REST."""

from __future__ import annotations

from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from tariffs.filters import PaymentQuery
from tariffs.models import Payment
from tariffs.serializers import PaymentSerializer


class PaymentViewSet(ResourceViewSet):
    """Its station reports a payment, so it has no ETag."""

    tag, noun, has_etag = "Tariffs", "payment", False
    label = "Payment {row.pk}"
    queryset = Payment.objects.select_related("charge_point").order_by("-pk")
    serializer_class = PaymentSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "transaction": Expansion("transaction", "transactions.views.sessions.TransactionViewSet"),
    }
    lookup = Lookup("payment_id", "The server's number of the payment.")
    operations = (
        List(
            PaymentQuery,
            summary="List payments at stations, newest first",
            description="`status=Failed` and `status=Rejected`: what is unpaid.",
        ),
        Get(),
    )
