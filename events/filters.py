"""The query string of the list of events."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from events.services.selecting import Selection, spelled
from ocpp_server.api.fields import StrictSerializer, TextField, WholeField
from ocpp_server.events import catalogue

LATEST = "latest"
MAX_LIMIT = 500


class SelectionQuery(StrictSerializer):
    """The filters of a consumer of events."""

    types = TextField(
        required=False, max_length=1000, help_text="Types or patterns, with commas: transaction.*,token.*"
    )
    station = TextField(required=False, max_length=255, help_text="The identity of a station.")
    site = WholeField(required=False, min_value=1, help_text="The number of a site.")

    def validate_types(self, value: str) -> frozenset[str]:
        patterns = [name.strip() for name in value.split(",") if name.strip()]
        if not patterns:
            raise serializers.ValidationError("Names no type.")
        try:
            return catalogue.matching(patterns)
        except catalogue.UnknownTypes as unknown:
            raise serializers.ValidationError(f"No type of event matches {str(unknown)!r}.") from None

    @property
    def selection(self) -> Selection:
        asked = self.validated_data
        station = asked.get("station")
        return Selection(
            types=asked.get("types"), station=spelled(station) if station else "", site=asked.get("site")
        )


class AfterField(TextField):
    """A position in the stream, or `latest`."""

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if value != LATEST and not is_position(value):
            raise serializers.ValidationError("Must be a position (digits) or latest.")
        return value


def is_position(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 18


class EventQuery(SelectionQuery):
    after = AfterField(
        required=False,
        help_text="The `next` of the page before; `latest` skips all present events. Default: the oldest.",
    )
    limit = WholeField(default=100, min_value=1, max_value=MAX_LIMIT)


class StreamQuery(SelectionQuery):
    after = AfterField(
        required=False,
        help_text="The position of the last event that the client has; the header Last-Event-ID counts "
        "more. Default: only new events.",
    )
