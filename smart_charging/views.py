"""The charging profiles of a station over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from smart_charging.filters import InstalledProfileQuery
from smart_charging.models import InstalledProfile
from smart_charging.serializers import InstalledProfileSerializer


class InstalledProfileViewSet(ResourceViewSet):
    """Read only: the commands set-charging-profile and clear-charging-profile change what is installed."""

    tag, noun, key = "Smart charging", "charging profile", "chargingProfiles"
    component = "InstalledProfile"
    has_etag = False
    serializer_class = InstalledProfileSerializer
    parent = STATION
    lookup = Lookup("installed_id", "The server's id of the installed profile.", str)
    operations = (
        List(
            InstalledProfileQuery,
            summary="List the charging profiles that a station has accepted, newest first",
            description="What the station has now: `isCurrent=true`. It follows from the answers of the "
            "station; a profile that was lost or changed at the station itself shows only when a command "
            "meets it.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().installed_profiles.order_by("-installed_at", "-pk")
        return rows

    def find(self, *, lock: bool = False) -> InstalledProfile:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        profile: InstalledProfile = required(found, key, self.noun)
        return profile
