"""Refused connections and deviations over REST."""

from __future__ import annotations

from typing import Any

from chargepoints.filters.evidence import DeviationQuery, RefusedConnectionQuery
from chargepoints.models import Deviation, RefusedConnection
from chargepoints.serializers.evidence import (
    AcceptBody,
    DeviationSerializer,
    RefusedConnectionSerializer,
)
from chargepoints.services.provisioning import refused_connections
from chargepoints.views.lookups import named_site
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.rights import Right, role_for


def _accept(refused: RefusedConnection, **given: Any) -> RefusedConnection:
    refused_connections.accept(refused, **given)
    refused.refresh_from_db()
    return refused


class RefusedConnectionViewSet(ResourceViewSet):
    """A further attempt counts in the row, so a refused connection has no ETag."""

    tag, noun, key = "Charge points", "refused connection", "refusedConnections"
    label = "Refused connection {row.pk}"
    component = "RefusedConnection"
    has_etag = False
    write_role = role_for(Right.STATIONS)
    queryset = RefusedConnection.objects.order_by("-at", "-pk")
    serializer_class = RefusedConnectionSerializer
    lookup = Lookup("refused_connection_id", "The number of the refused connection.")
    operations = (
        List(
            RefusedConnectionQuery,
            summary="List refused connections, newest first",
            description="Each with its reason. The newest 10,000 are kept, at most 30 days.",
        ),
        Get(),
        Act(
            "accept",
            _accept,
            AcceptBody,
            passes_actor=True,
            summary="Accept the unknown station of a refused connection",
            sentence="Station {row.identity} accepted. It can connect at its next attempt.",
            description="Adds the station, as POST /api/v1/chargepoints does. 409 unless `canBeAccepted`: "
            "the station is known by now, or the connection was refused for another reason.",
        ),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if "site" in given:
            given["site"] = named_site(given["site"])
        return given


class DeviationViewSet(ResourceViewSet):
    tag, noun = "Charge points", "deviation"
    personal = ("detail", "example")
    label = "Deviation {row.pk}"
    has_etag = False
    queryset = Deviation.objects.select_related("charge_point").order_by("-last_at", "-pk")
    serializer_class = DeviationSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
    }
    lookup = Lookup("deviation_id", "The number of the deviation.")
    operations = (
        List(
            DeviationQuery,
            summary="List the deviations of stations from the specification, newest first",
            description="One row for each station, kind, action and field, with the number of times that "
            "it was seen and the first frame as an example. At most 500 of a station are kept.",
        ),
        Get(),
    )
