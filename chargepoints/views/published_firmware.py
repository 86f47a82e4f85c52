"""The firmware that a local controller publishes, over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.filters import PublishedFirmwareQuery
from chargepoints.models import PublishedFirmware
from chargepoints.serializers.publishing import PublishedFirmwareSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet


class PublishedFirmwareViewSet(ResourceViewSet):
    """Read only: the commands publish-firmware and unpublish-firmware change what is published."""

    tag, noun, key = "Firmware", "published firmware", "publishedFirmware"
    component = "PublishedFirmware"
    has_etag = False
    serializer_class = PublishedFirmwareSerializer
    parent = STATION
    lookup = Lookup("publication_id", "The id of the command that asked for it.", str)
    operations = (
        List(PublishedFirmwareQuery, summary="List the firmware of a local controller, newest first"),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().published_firmware.order_by("-created_at", "-pk")
        return rows

    def find(self, *, lock: bool = False) -> PublishedFirmware:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        row: PublishedFirmware = required(found, key, self.noun)
        return row
