"""Reported keys and variables over REST, with the limits that a 2.x station reports for them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.views.lookups import STATION
from configuration.filters import ReportedQuery
from configuration.models import ReportedKey
from configuration.services.variables import reported
from ocpp_server.api.fields import ReadSerializer, TimeField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.observability.masking import MASK
from ocpp_server.protocol.secrets import is_secret_name

_ATTRIBUTE = {
    "type": "object",
    "properties": {
        "value": {"type": "string", "nullable": True},
        "mutability": {"type": "string"},
    },
}


@extend_schema_field({"type": "object", "additionalProperties": _ATTRIBUTE})
class AttributesField(serializers.DictField):
    """{Target, MinSet, MaxSet: {value, mutability}}."""


def _characteristic(kind: type[serializers.Field[Any, Any, Any, Any]], name: str, **how: Any) -> Any:
    """A field of a variable's characteristics; null where no report has named it."""
    return kind(source=f"characteristics.{name}", default=None, allow_null=True, **how)


class ReportedValueSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    key = serializers.CharField(help_text="A 1.6 key, or Component.Variable.")
    component = serializers.SerializerMethodField(help_text="Empty for a 1.6 key.")
    variable = serializers.SerializerMethodField()
    value = serializers.SerializerMethodField(
        method_name="masked", help_text="null: without a value, such as a write-only variable."
    )
    readonly = serializers.BooleanField()
    mutability = serializers.CharField(
        allow_null=True, help_text="ReadOnly, ReadWrite or WriteOnly; null if no report has named it."
    )
    dataType = _characteristic(serializers.CharField, "dataType")
    unit = _characteristic(serializers.CharField, "unit")
    minLimit = _characteristic(serializers.FloatField, "minLimit")
    maxLimit = _characteristic(
        serializers.FloatField, "maxLimit", help_text="Of texts and lists, the most characters."
    )
    maxElements = _characteristic(
        serializers.IntegerField, "maxElements", help_text="2.1: the most values of a list."
    )
    valuesList = _characteristic(
        serializers.CharField, "valuesList", help_text="The allowed values, separated by commas."
    )
    supportsMonitoring = _characteristic(serializers.BooleanField, "supportsMonitoring")
    attributes = AttributesField(help_text="Target, MinSet and MaxSet, where they are reported.")
    reportedAt = TimeField(source="reported_at")
    goneAt = TimeField(
        source="gone_at",
        allow_null=True,
        help_text="When a full report did not have it any more. It is deleted 30 days later.",
    )

    def get_component(self, row: ReportedKey) -> str:
        return reported.parts(row.key)[0]

    def get_variable(self, row: ReportedKey) -> str:
        return reported.parts(row.key)[1]

    def masked(self, row: ReportedKey) -> str | None:
        # A row of an earlier version may have the value of a secret.
        return MASK if row.value and is_secret_name(row.key) else row.value

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return shown | {"attributes": instance.attributes or {}}


class ReportedValueViewSet(ResourceViewSet):
    tag, noun = "Configuration", "reported value"
    label = "Reported value of {row.key}"
    key = "reported"
    component = "ReportedValue"
    # A station changes it without a request.
    has_etag = False
    serializer_class = ReportedValueSerializer
    parent = STATION
    lookup = Lookup("reported_id", "The number of the reported value.")
    operations = (
        List(
            ReportedQuery,
            summary="List the keys or variables that a station has reported",
            description="What a full report did not have any more is there with `gone=true` alone.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows = ReportedKey.objects.filter(charge_point=self.parent_row())
        return rows.select_related("charge_point").order_by("pk")
