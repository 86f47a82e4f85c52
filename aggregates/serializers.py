"""Shapes of maintenance windows over REST. camelCase: they are about stations."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from aggregates.models import MaintenanceWindow
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField, WholeField

_FROM = "The first moment of the window."
_UNTIL = "The first moment after the window."


class MaintenanceWindowSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(
        source="charge_point.identity",
        default=None,
        allow_null=True,
        help_text="Null for a window of a site.",
    )
    siteId = serializers.IntegerField(
        source="site_id", allow_null=True, help_text="Null for a window of a station."
    )
    until = TimeField(source="ends_at", help_text=_UNTIL)
    reason = serializers.ChoiceField(choices=MaintenanceWindow.Reason.values)
    note = serializers.CharField()
    author = serializers.CharField(help_text="The operator or the API key that added it.")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    def get_fields(self) -> dict[str, Any]:
        # In a dictionary, because `from` is a keyword of Python.
        return {**super().get_fields(), "from": TimeField(source="begins_at", help_text=_FROM)}


class MaintenanceWindowChanges(StrictSerializer):
    reason = serializers.ChoiceField(
        choices=MaintenanceWindow.Reason.values,
        required=False,
        help_text="Why outages in this time are not the operator's. Default: maintenance.",
    )
    note = TextField(required=False, allow_blank=True, max_length=200)

    def get_fields(self) -> dict[str, Any]:
        times = {
            "from": TimeField(source="begins_at", required=self.needs_times, help_text=_FROM),
            "until": TimeField(source="ends_at", required=self.needs_times, help_text=_UNTIL),
        }
        return {**super().get_fields(), **times}

    needs_times = False


class MaintenanceWindowBody(MaintenanceWindowChanges):
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    siteId = WholeField(required=False, min_value=1, help_text="The number of a site: all of its stations.")

    needs_times = True
