"""The default tariffs of stations and the costs of sessions over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from tariffs.filters import SessionCostQuery, StationTariffQuery
from tariffs.models import SessionCost, StationTariff
from tariffs.serializers import SessionCostSerializer, StationTariffSerializer


class StationTariffViewSet(ResourceViewSet):
    """Read only: the commands set-default-tariff and clear-tariffs change what the station has."""

    tag, noun, key = "Tariffs", "station tariff", "tariffs"
    component = "StationTariff"
    has_etag = False
    serializer_class = StationTariffSerializer
    parent = STATION
    lookup = Lookup("station_tariff_id", "The server's id of the tariff at the station.", str)
    operations = (
        List(
            StationTariffQuery,
            summary="List the default tariffs of a station, newest first",
            description="`isCurrent=true`: the wanted ones, and those that the station has from others. They "
            "follow from the answers of the station: the command get-tariffs compares them.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().station_tariffs.order_by("-set_at", "-pk")
        return rows

    def find(self, *, lock: bool = False) -> StationTariff:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        tariff: StationTariff = required(found, key, self.noun)
        return tariff


class SessionCostViewSet(ResourceViewSet):
    """The messages of its station change a cost, so it has no ETag."""

    tag, noun, key, has_etag = "Tariffs", "session cost", "sessionCosts", False
    label = "The cost of session {row.pk}"
    queryset = SessionCost.objects.select_related("charge_point").order_by("-pk")
    serializer_class = SessionCostSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "transaction": Expansion("transaction", "transactions.views.sessions.TransactionViewSet"),
    }
    lookup = Lookup("transaction_id", "The server's number of the session.")
    operations = (
        List(
            SessionCostQuery,
            summary="List the costs of sessions, the newest session first",
            description="Only sessions whose station has reported a cost or a tariff, or got one from the "
            "server.",
        ),
        Get(),
    )
