"""The query string of the list of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from events.services.selecting import Selection, spelled
from ocpp_server import sites
from ocpp_server.api.fields import StrictSerializer, TextField, WholeField
from ocpp_server.events import catalogue

LATEST, WHOLE = "latest", "whole"
MAX_LIMIT = 500


class TokensQuery(StrictSerializer):
    """Whether events have whole uids of tokens."""

    tokens = serializers.ChoiceField(
        choices=["masked", WHOLE],
        default="masked",
        help_text="whole: events have the whole uids of tokens; for administrators.",
    )


class SelectionQuery(TokensQuery):
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
        return matching(patterns)

    @property
    def selection(self) -> Selection:
        return selection(self.validated_data)


class TicketBody(TokensQuery):
    """The filters of the stream that a ticket is for."""

    types = serializers.ListField(
        child=TextField(max_length=48),
        required=False,
        allow_empty=False,
        max_length=100,
        help_text="Types or patterns: transaction.*",
    )
    station = TextField(required=False, max_length=255, help_text="The identity of a station.")
    site = WholeField(required=False, min_value=1, help_text="The number of a site.")

    def validate_types(self, value: list[str]) -> list[str]:
        return sorted(matching(value))


def matching(patterns: list[str]) -> frozenset[str]:
    """The types that match the patterns. Raises ValidationError."""
    try:
        return catalogue.matching(patterns)
    except catalogue.UnknownTypes as unknown:
        raise serializers.ValidationError(f"No type of event matches {str(unknown)!r}.") from None


def selection(asked: Mapping[str, Any]) -> Selection:
    """The selection of validated filters, within the sites of the present caller."""
    types, station = asked.get("types"), asked.get("station")
    return Selection(
        types=None if types is None else frozenset(types),
        station=spelled(station) if station else "",
        site=asked.get("site"),
        limited_to=sites.current(),
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
    ticket = TextField(
        required=False,
        max_length=100,
        help_text="A ticket, in place of credentials. It has the filters: only `after` may be beside it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "ticket" in attrs and not self.initial_data.keys() <= {"ticket", "after"}:
            raise serializers.ValidationError(
                {"ticket": ["The ticket has the filters; only after is allowed."]}
            )
        return attrs
