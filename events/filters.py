"""The query string of the list of events."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ocpp_server.api.fields import StrictSerializer, TextField, WholeField
from ocpp_server.events import catalogue

LATEST = "latest"
MAX_LIMIT = 500


class EventQuery(StrictSerializer):
    after = TextField(
        required=False,
        help_text="The `next` of the page before; `latest` skips all present events. Default: the oldest.",
    )
    types = TextField(
        required=False, max_length=1000, help_text="Types or patterns, with commas: transaction.*,token.*"
    )
    station = TextField(required=False, max_length=255, help_text="The identity of a station.")
    site = WholeField(required=False, min_value=1, help_text="The number of a site.")
    limit = WholeField(default=100, min_value=1, max_value=MAX_LIMIT)

    def validate_after(self, value: str) -> str:
        if value != LATEST and not (value.isascii() and value.isdigit() and len(value) <= 18):
            raise serializers.ValidationError("Must be a position (digits) or latest.")
        return value

    def validate_types(self, value: str) -> frozenset[str]:
        patterns = [name.strip() for name in value.split(",") if name.strip()]
        if not patterns:
            raise serializers.ValidationError("Names no type.")
        try:
            return catalogue.matching(patterns)
        except catalogue.UnknownTypes as unknown:
            raise serializers.ValidationError(f"No type of event matches {str(unknown)!r}.") from None

    @property
    def conditions(self) -> dict[str, Any]:
        """The filters as conditions of a query."""
        asked = self.validated_data
        found: dict[str, Any] = {}
        if "types" in asked:
            found["type__in"] = sorted(asked["types"])
        if "station" in asked:
            found["station"] = asked["station"]
        if "site" in asked:
            found["site_id"] = asked["site"]
        return found
