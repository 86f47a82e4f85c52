"""Maintenance windows over REST."""

from __future__ import annotations

from typing import Any

from aggregates.filters import MaintenanceWindowQuery
from aggregates.models import MaintenanceWindow
from aggregates.serializers import (
    MaintenanceWindowBody,
    MaintenanceWindowChanges,
    MaintenanceWindowSerializer,
)
from aggregates.services import maintenance
from chargepoints.views.lookups import named_site, station
from ocpp_server.api.authentication import actor
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.domain import Invalid, Missing
from ocpp_server.rights import Right, role_for


class MaintenanceWindowViewSet(ResourceViewSet):
    tag, noun, key = "Aggregates", "maintenance window", "maintenanceWindows"
    component = "MaintenanceWindow"
    label = "Maintenance window {row.pk}"
    deletions = MaintenanceWindow
    write_role = role_for(Right.MAINTENANCE)
    queryset = MaintenanceWindow.objects.select_related("charge_point").order_by("-pk")
    serializer_class = MaintenanceWindowSerializer
    lookup = Lookup("maintenance_window_id", "The number of the maintenance window.")
    operations = (
        List(MaintenanceWindowQuery, summary="List maintenance windows, newest first"),
        Get(),
        Create(
            MaintenanceWindowBody,
            maintenance.add,
            description="For a station (`clientId`) or all stations of a site (`siteId`). Outages in it do "
            "not count against the uptime, and alerts are not sent meanwhile. It may be in the past.",
        ),
        Change(
            MaintenanceWindowChanges,
            maintenance.change,
            description="The place can't be changed: add another window instead.",
        ),
        Delete(maintenance.delete, description="Outages in its time count against the uptime again."),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        if self.action == "create":
            given["author"] = actor(self.request)
        if "clientId" in given:
            given["charge_point"] = _named_station(given.pop("clientId"))
        if "siteId" in given:
            given["site"] = named_site(given.pop("siteId"))
        return given


def _named_station(identity: str) -> Any:
    try:
        return station(identity)
    except Missing as missing:
        raise Invalid(missing.sentence, field="clientId") from None
