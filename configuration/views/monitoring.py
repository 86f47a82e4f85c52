"""The monitors of a station, its event streams, and the values of those, over REST."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.views.lookups import STATION
from configuration.filters import EventStreamQuery, StreamMessageQuery, VariableMonitorQuery
from configuration.models import EventStream, StreamMessage, VariableMonitor
from ocpp_server.api.fields import AmountField, ReadSerializer, TimeField
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet

_TAG = "Monitoring"


class VariableMonitorSerializer(ReadSerializer):
    id = serializers.IntegerField(help_text="The server's number of the monitor.")
    monitorId = serializers.IntegerField(
        source="monitor_id", help_text="The station's number, which clear-variable-monitoring takes."
    )
    component = serializers.CharField()
    componentInstance = serializers.CharField(source="component_instance")
    evseId = serializers.IntegerField(source="evse_number", allow_null=True)
    connectorId = serializers.IntegerField(source="connector_number", allow_null=True)
    variable = serializers.CharField()
    variableInstance = serializers.CharField(source="variable_instance")
    type = serializers.CharField()
    value = AmountField()
    severity = serializers.IntegerField(help_text="From 0, danger, to 9, for debugging.")
    transaction = serializers.BooleanField(
        source="is_for_transactions", help_text="Whether it works only while a session runs."
    )
    eventNotificationType = serializers.CharField(
        source="kind",
        help_text="HardWiredMonitor, PreconfiguredMonitor or CustomMonitor; empty where a 2.0.1 station has "
        "not reported it.",
    )
    streamInterval = serializers.IntegerField(
        source="stream_interval", allow_null=True, help_text="Of its event stream, as it was set (2.1)."
    )
    streamValues = serializers.IntegerField(source="stream_values", allow_null=True)
    reportedAt = TimeField(source="reported_at", help_text="When the station last reported or accepted it.")


class VariableMonitorViewSet(ResourceViewSet):
    """Read only: the commands set-variable-monitoring and clear-variable-monitoring change them."""

    tag, noun = _TAG, "monitor"
    component = "VariableMonitor"
    has_etag = False
    serializer_class = VariableMonitorSerializer
    parent = STATION
    lookup = Lookup("monitor_row", "The server's number of the monitor.")
    operations = (
        List(
            VariableMonitorQuery,
            summary="List the monitors of a station",
            description="As far as its reports and answers show. get-monitoring-report reads them again.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().variable_monitors.order_by("monitor_id", "pk")
        return rows


class MonitoredSerializer(ReadSerializer):
    """The variable of a stream. `context["prepared"]` has the station's monitors by their numbers."""

    variable = serializers.SerializerMethodField(
        help_text="Component.Variable; null for a monitor that the station has not reported."
    )
    severity = serializers.SerializerMethodField(help_text="Null for an unknown monitor.")

    def get_variable(self, row: EventStream | StreamMessage) -> str | None:
        monitor = self._monitor(row)
        return monitor.monitored.name if monitor is not None else None

    def get_severity(self, row: EventStream | StreamMessage) -> int | None:
        monitor = self._monitor(row)
        return monitor.severity if monitor is not None else None

    def _monitor(self, row: EventStream | StreamMessage) -> VariableMonitor | None:
        stream = row if isinstance(row, EventStream) else row.stream
        found: dict[tuple[int, int], VariableMonitor] = self.context["prepared"]
        return found.get((stream.charge_point_id, stream.monitor_id))


class EventStreamSerializer(MonitoredSerializer):
    id = serializers.CharField(help_text="The server's id of the stream.")
    streamId = serializers.IntegerField(source="stream_id", help_text="The station's number.")
    monitorId = serializers.IntegerField(
        source="monitor_id", help_text="The station's number of the monitor."
    )
    interval = serializers.IntegerField(allow_null=True, help_text="Seconds between two messages.")
    values = serializers.IntegerField(allow_null=True, help_text="Values in a message.")
    isOpen = serializers.BooleanField(source="is_open")
    pending = serializers.IntegerField(
        allow_null=True, help_text="Values that the station had not sent at its last message."
    )
    lastAt = TimeField(source="last_at", allow_null=True, help_text="The last message.")
    openedAt = TimeField(source="opened_at")
    closedAt = TimeField(source="closed_at", allow_null=True)


class EventStreamViewSet(ResourceViewSet):
    """Read only: stations open and close their streams."""

    tag, noun, key = _TAG, "event stream", "eventStreams"
    has_etag = False
    serializer_class = EventStreamSerializer
    parent = STATION
    lookup = Lookup("event_stream_id", "The server's id of the stream.", str)
    operations = (
        List(EventStreamQuery, summary="List the event streams of a station, newest first"),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        last = StreamMessage.objects.filter(stream=OuterRef("pk")).order_by("-pk")
        rows: QuerySet[Any] = self.parent_row().event_streams.annotate(
            last_at=Subquery(last.values("received_at")[:1]), pending=Subquery(last.values("pending")[:1])
        )
        return rows.order_by("-opened_at", "-pk")

    def find(self, *, lock: bool = False) -> EventStream:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        stream: EventStream = required(found, key, self.noun)
        return stream

    def prepare(self, rows: list[EventStream]) -> dict[tuple[int, int], VariableMonitor]:
        return _monitors(rows)


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["at", "value"],
            "properties": {"at": {"type": "string", "format": "date-time"}, "value": {"type": "string"}},
        },
    }
)
class StreamValuesField(serializers.Field[Any, Any, Any, Any]):
    """The values with their times."""

    def to_representation(self, value: Any) -> list[dict[str, Any]]:
        row: StreamMessage = value
        return [{"at": _time(row.base_at, offset), "value": text} for offset, text in row.data]


def _time(base_at: datetime, offset: float) -> str | None:
    shown: str | None = TimeField().to_representation(base_at + timedelta(seconds=offset))
    return shown


class StreamMessageSerializer(MonitoredSerializer):
    id = serializers.IntegerField()
    eventStreamId = serializers.CharField(source="stream_id", help_text="The server's id of the stream.")
    streamId = serializers.IntegerField(source="stream.stream_id", help_text="The station's number.")
    monitorId = serializers.IntegerField(source="stream.monitor_id")
    pending = serializers.IntegerField(help_text="Values that the station had not sent yet.")
    values = StreamValuesField(source="*", read_only=True)
    receivedAt = TimeField(source="received_at")


class StreamMessageViewSet(ResourceViewSet):
    tag, noun, key = _TAG, "stream message", "streamMessages"
    has_etag = False
    serializer_class = StreamMessageSerializer
    parent = STATION
    lookup = Lookup("stream_message_id", "The number of the message.")
    operations = (
        List(
            StreamMessageQuery,
            summary="List the messages of a station's event streams, newest first",
            description="The newest 1,000 of each stream are kept.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows = StreamMessage.objects.filter(stream__charge_point=self.parent_row())
        return rows.select_related("stream").order_by("-pk")

    def prepare(self, rows: list[StreamMessage]) -> dict[tuple[int, int], VariableMonitor]:
        return _monitors([row.stream for row in rows])


def _monitors(streams: list[EventStream]) -> dict[tuple[int, int], VariableMonitor]:
    """The monitors of these streams, by the station and its number of the monitor."""
    rows = VariableMonitor.objects.filter(
        charge_point__in={stream.charge_point_id for stream in streams},
        monitor_id__in={stream.monitor_id for stream in streams},
    )
    return {(row.charge_point_id, row.monitor_id): row for row in rows}
