"""The events of a station's device model over REST (2.x N07, N08)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from chargepoints.filters import DeviceEventQuery
from chargepoints.views.lookups import STATION
from ocpp_server.api.fields import ReadSerializer, TimeField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet


class DeviceEventSerializer(ReadSerializer):
    id = serializers.IntegerField()
    eventId = serializers.IntegerField(source="event_id", help_text="The station's number of the event.")
    component = serializers.CharField()
    componentInstance = serializers.CharField(source="component_instance")
    evseId = serializers.IntegerField(source="evse_number", allow_null=True)
    connectorId = serializers.IntegerField(source="connector_number", allow_null=True)
    variable = serializers.CharField()
    variableInstance = serializers.CharField(source="variable_instance")
    trigger = serializers.CharField(help_text="Alerting, Delta or Periodic.")
    actualValue = serializers.CharField(source="actual_value", help_text="Secrets masked.")
    cleared = serializers.BooleanField(source="is_cleared", help_text="The end of an alert.")
    techCode = serializers.CharField(source="tech_code")
    techInfo = serializers.CharField(source="tech_info")
    eventNotificationType = serializers.CharField(source="kind")
    monitorId = serializers.IntegerField(
        source="monitor_id", allow_null=True, help_text="The station's number of the monitor."
    )
    severity = serializers.IntegerField(
        allow_null=True, help_text="From 0, danger, to 9, for debugging; null in 2.0.1."
    )
    cause = serializers.IntegerField(allow_null=True, help_text="The eventId of what led to it.")
    ocppTransactionId = serializers.CharField(
        source="ocpp_transaction_id", help_text="The station's id of the session."
    )
    time = TimeField(source="at", help_text="The station's time where it is plausible.")
    receivedAt = TimeField(source="received_at")


class DeviceEventViewSet(ResourceViewSet):
    tag, noun, key = "Monitoring", "device event", "deviceEvents"
    has_etag = False
    serializer_class = DeviceEventSerializer
    parent = STATION
    lookup = Lookup("device_event_id", "The number of the event.")
    operations = (
        List(
            DeviceEventQuery,
            summary="List the events that a station's components have reported, newest first",
            description="NotifyEvent of 2.x; the newest 10,000 of a station are kept.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().device_events.order_by("-pk")
        return rows
