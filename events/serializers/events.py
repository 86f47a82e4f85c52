"""The shape of an event: its envelope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from events.models import Event
from events.services import envelopes
from ocpp_server.api.fields import ReadSerializer, TimeField


class Prepared(NamedTuple):
    """The names of sites and the uids of tokens for a page of events; without uids, tokens are masked."""

    sites: Mapping[int, str]
    uids: Mapping[int, str] = envelopes.NOTHING

    @classmethod
    def of(cls, rows: Sequence[Event], *, with_tokens: bool) -> Prepared:
        return cls(envelopes.site_names(rows), envelopes.token_uids(rows) if with_tokens else {})


class TicketSerializer(ReadSerializer):
    """A new ticket for a stream of events."""

    ticket = serializers.CharField(help_text="Usable once.")
    expiresAt = TimeField(help_text="The end of the minute in which the stream must be opened.")
    url = serializers.CharField(help_text="The stream's path with the ticket.")


class DataField(serializers.DictField):
    """The data of an event."""

    def to_representation(self, value: Any) -> dict[str, Any]:
        return envelopes.content(value, self.context["prepared"].uids)


class EventSerializer(ReadSerializer):
    id = serializers.CharField(source="uid", help_text="The same each time that the event is read.")
    type = serializers.CharField(help_text="See docs/events.md.")
    timestamp = TimeField(source="at", help_text="When the server stored it.")
    version = serializers.IntegerField(help_text="The version of the data of this type.")
    position = serializers.IntegerField(help_text="Its place in the stream of all events.")
    sequence = serializers.IntegerField(
        allow_null=True, help_text="Rises by one for each event of the station; null without a station."
    )
    station = serializers.SerializerMethodField()
    site = serializers.SerializerMethodField()

    def get_fields(self) -> dict[str, Any]:
        # In a dictionary, because `data` is a property of serializers.
        data = DataField(source="*", help_text="By the type, see docs/events.md.")
        return {**super().get_fields(), "data": data}

    @extend_schema_field({"type": "string", "nullable": True})
    def get_station(self, row: Event) -> str | None:
        return row.station or None

    @extend_schema_field(
        {
            "type": "object",
            "nullable": True,
            "properties": {"id": {"type": "integer"}, "name": {"type": "string", "nullable": True}},
            "required": ["id", "name"],
        }
    )
    def get_site(self, row: Event) -> dict[str, Any] | None:
        return envelopes.site_of(row, self.context["prepared"].sites)
