"""Serializers of charging profiles, with the field names of OCPP."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.views.commanding import SentSerializer
from ocpp_server.api.fields import ReadSerializer, TimeField
from smart_charging.models import InstalledProfile

_PERIOD = {
    "type": "object",
    "required": ["startPeriod"],
    "properties": {
        "startPeriod": {"type": "integer", "description": "Seconds from startSchedule on."},
        "limit": {"type": "number"},
        "numberPhases": {"type": "integer"},
        "phaseToUse": {"type": "integer"},
    },
}
_SCHEDULE = {
    "type": "object",
    "nullable": True,
    "required": ["chargingRateUnit", "chargingSchedulePeriod"],
    "properties": {
        "chargingRateUnit": {"type": "string", "enum": ["A", "W"]},
        "startSchedule": {"type": "string", "format": "date-time"},
        "duration": {"type": "integer"},
        "minChargingRate": {"type": "number"},
        "chargingSchedulePeriod": {"type": "array", "items": _PERIOD},
    },
}


@extend_schema_field(_SCHEDULE)
class ScheduleField(serializers.JSONField):
    """A schedule in no dialect."""


class CompositeAnswerSerializer(SentSerializer):
    connectorId = serializers.IntegerField(help_text="The EVSE; 0 for the whole station.")
    schedule = ScheduleField(allow_null=True)


class InstalledProfileSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The server's id of this installation.")
    chargingProfileId = serializers.IntegerField(
        source="profile_id", help_text="The id of the profile at the station."
    )
    connectorId = serializers.IntegerField(
        source="evse_number", help_text="The EVSE, which is a connector in 1.6; 0 for the whole station."
    )
    chargingProfilePurpose = serializers.CharField(source="purpose", help_text="By its 2.x name.")
    chargingProfileKind = serializers.CharField(source="kind")
    stackLevel = serializers.IntegerField(source="stack_level")
    transactionId = serializers.IntegerField(
        source="transaction_id",
        allow_null=True,
        help_text="The server's number of the session of a TxProfile.",
    )
    state = serializers.ChoiceField(choices=InstalledProfile.State.values)
    isCurrent = serializers.BooleanField(
        source="is_current", help_text="Whether the station has it, as far as its answers show."
    )
    requestId = serializers.CharField(
        source="command_id",
        allow_null=True,
        help_text="The command that brought it; null for one that the station reported.",
    )
    profile: Any = serializers.DictField(source="payload", help_text="The profile as the station got it.")
    installedAt = TimeField(source="installed_at")
    endedAt = TimeField(source="ended_at", allow_null=True)
