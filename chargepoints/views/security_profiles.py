"""The changes of a station's security profile, over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.filters import SecurityProfileChangeQuery
from chargepoints.serializers.security_profiles import SecurityProfileChangeSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet


class SecurityProfileChangeViewSet(ResourceViewSet):
    """Read only: the command upgrade-security-profile makes the rows."""

    tag, noun, key = "Security", "security profile change", "securityProfileChanges"
    label = "Security profile change {row.pk}"
    has_etag = False
    serializer_class = SecurityProfileChangeSerializer
    parent = STATION
    lookup = Lookup("change_id", "The number of the change.")
    operations = (
        List(
            SecurityProfileChangeQuery,
            summary="List the changes of a station's security profile, newest first",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().security_profile_changes.order_by("-pk")
        return rows
