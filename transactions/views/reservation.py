"""Reservations over REST. Commands of a station create and cancel them."""

from __future__ import annotations

from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from transactions.filters import ReservationQuery
from transactions.models import Reservation
from transactions.serializers import ReservationSerializer


class ReservationViewSet(ResourceViewSet):
    """Its station's messages change a reservation, so it has no ETag."""

    tag, noun, has_etag = "Reservations", "reservation", False
    personal = ("idTag",)
    label = "Reservation {row.pk}"
    queryset = Reservation.objects.select_related("charge_point").order_by("-pk")
    serializer_class = ReservationSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "token": Expansion("token", "accounts.views.tokens.TokenViewSet"),
        "command": Expansion("command", "chargepoints.views.commands.AllCommandsViewSet"),
        "transaction": Expansion("transaction", "transactions.views.sessions.TransactionViewSet"),
    }
    lookup = Lookup("reservation_id", "The `id` of the reservation.")
    operations = (
        List(
            ReservationQuery,
            summary="List reservations, newest first",
            description="POST /api/v1/chargepoints/{client_id}/reserve asks a station for one, "
            ".../cancel-reservation ends it.",
        ),
        Get(),
    )
