"""The security log over REST: events of stations, and those that the server detected."""

from __future__ import annotations

from chargepoints.filters import SecurityEventQuery
from chargepoints.models import SecurityEvent
from chargepoints.serializers import SecurityEventSerializer
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion


class SecurityEventViewSet(ResourceViewSet):
    tag, noun, key = "Charge points", "security event", "securityEvents"
    component = "SecurityEvent"
    has_etag = False
    queryset = SecurityEvent.objects.select_related("charge_point").order_by("-received_at", "-pk")
    serializer_class = SecurityEventSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
    }
    lookup = Lookup("event_id", "The number of the event.")
    operations = (
        List(SecurityEventQuery, summary="List the security events of all stations, newest first"),
        Get(),
    )
