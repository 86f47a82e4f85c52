"""The battery swaps of a station over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.filters import BatterySwapQuery
from chargepoints.models import BatterySwap
from chargepoints.serializers.battery_swap import BatterySwapSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet


class BatterySwapViewSet(ResourceViewSet):
    """Read only: stations report swaps, and request-battery-swap asks for one."""

    tag, noun, key = "Battery swaps", "battery swap", "batterySwaps"
    component = "BatterySwap"
    has_etag = False
    serializer_class = BatterySwapSerializer
    parent = STATION
    lookup = Lookup("swap_id", "The server's id of the swap.", str)
    operations = (
        List(BatterySwapQuery, summary="List the battery swaps at a station, newest first"),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().battery_swaps.prefetch_related("batteries")
        return rows.order_by("-created_at", "-pk")

    def find(self, *, lock: bool = False) -> BatterySwap:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        swap: BatterySwap = required(found, key, self.noun)
        return swap
