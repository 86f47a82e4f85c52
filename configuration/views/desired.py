"""Desired values over REST: those of one station, and the drift of all."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.views.lookups import STATION
from configuration.filters import DesiredValueQuery, DriftQuery
from configuration.models import DesiredValue
from configuration.serializers import (
    DesiredValueBody,
    DesiredValueChanges,
    DesiredValueSerializer,
)
from configuration.services.variables import desired, drift
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion


class DesiredValueViewSet(ResourceViewSet):
    tag, noun = "Configuration", "desired value"
    label = "Desired value of {row.key}"
    key = "desired"
    serializer_class = DesiredValueSerializer
    deletions = DesiredValue
    expansions = {
        "template": Expansion("template", "configuration.views.templates.TemplateViewSet"),
    }
    parent = STATION
    lookup = Lookup("desired_id", "The number of the desired value.")
    operations = (
        List(DesiredValueQuery, summary="List the desired values of a station"),
        Get(),
        Create(
            DesiredValueBody,
            desired.add,
            description="For this station alone; it wins over a template. It is sent by apply-configuration.",
        ),
        Change(
            DesiredValueChanges,
            desired.change,
            description="A value of a template is refused with 409.",
        ),
        Delete(desired.remove, description="A value of a template is refused with 409."),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows = DesiredValue.objects.filter(charge_point=self.parent_row())
        return rows.select_related("charge_point", "template").order_by("pk")

    def prepare(self, rows: list[DesiredValue]) -> dict[tuple[int, str], drift.Seen]:
        return drift.reported_of(rows)


class DriftViewSet(ResourceViewSet):
    tag, noun = "Configuration", "desired value"
    component = "DriftingValue"
    key = "desired"
    serializer_class = DesiredValueSerializer
    deletions = DesiredValue
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "template": Expansion("template", "configuration.views.templates.TemplateViewSet"),
    }
    queryset = DesiredValue.objects.select_related("charge_point").order_by("pk")
    operations = (List(DriftQuery, summary="List the desired values of all stations"),)

    def prepare(self, rows: list[DesiredValue]) -> dict[tuple[int, str], drift.Seen]:
        return drift.reported_of(rows)
