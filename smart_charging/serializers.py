"""Serializers of charging profiles, limits, plans and DER controls, with the field names of OCPP."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.views.commanding import SentSerializer
from ocpp_server.api.fields import ReadSerializer, TimeField
from smart_charging.models import ChargingPlan, DerControl, InstalledProfile

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
    chargingLimitSource = serializers.CharField(
        source="source", help_text="CSO for a profile of this server; another source set it otherwise."
    )
    scheduleUpdate: Any = serializers.DictField(
        source="dynamic",
        allow_null=True,
        help_text="Of a dynamic profile: the limits and setpoints that hold now.",
    )
    installedAt = TimeField(source="installed_at")
    confirmedAt = TimeField(
        source="confirmed_at", allow_null=True, help_text="When the station last reported it."
    )
    endedAt = TimeField(source="ended_at", allow_null=True)


class ExternalLimitSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The server's id of the limit of this source and EVSE.")
    connectorId = serializers.IntegerField(
        source="evse_number", help_text="The EVSE; 0 for the whole station."
    )
    chargingLimitSource = serializers.CharField(source="source", help_text="Such as EMS, SO or Other.")
    isInForce = serializers.BooleanField(source="is_in_force")
    isGridCritical = serializers.BooleanField(source="is_grid_critical")
    isLocalGeneration = serializers.BooleanField(
        source="is_local_generation", help_text="It adds power instead of limiting it (2.1)."
    )
    chargingSchedule: Any = serializers.ListField(
        source="schedules", help_text="As the station reported them; may be empty."
    )
    setAt = TimeField(source="set_at")
    clearedAt = TimeField(source="cleared_at", allow_null=True)


class ChargingPlanSerializer(ReadSerializer):
    transactionId = serializers.IntegerField(
        source="transaction_id", help_text="The server's number of the session."
    )
    connectorId = serializers.IntegerField(source="evse_number", allow_null=True, help_text="The EVSE.")
    chargingNeeds: Any = serializers.DictField(
        source="needs", allow_null=True, help_text="The needs of the vehicle, as the station sent them."
    )
    requestedEnergyTransfer = serializers.CharField(source="energy_transfer")
    energyWh = serializers.IntegerField(source="energy_wh", allow_null=True)
    departureAt = TimeField(source="departure_at", allow_null=True)
    needsAt = TimeField(source="needs_at", allow_null=True)
    answer = serializers.ChoiceField(
        choices=ChargingPlan.Answer.values,
        help_text="profile: a charging profile was sent. no-profile: see `reason`. refused: the session may "
        "not use this energy transfer. Empty: there were no needs.",
    )
    reason = serializers.CharField(help_text="Why no charging profile was sent.")
    vehicleSchedule: Any = serializers.DictField(
        source="vehicle_schedule", allow_null=True, help_text="The schedule that the vehicle will follow."
    )
    scheduleAt = TimeField(source="schedule_at", allow_null=True)
    isWithinLimits = serializers.BooleanField(
        source="is_within_limits",
        allow_null=True,
        help_text="Whether that schedule keeps to the profile of the session; null where they can't be "
        "compared.",
    )
    allowedEnergyTransfer: Any = serializers.ListField(
        source="allowed_transfers",
        allow_null=True,
        help_text="The energy transfers that the station has accepted as allowed.",
    )
    hasPriority = serializers.BooleanField(source="has_priority")
    priorityAt = TimeField(source="priority_at", allow_null=True)
    updatedAt = TimeField(source="updated_at")


class DerControlSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The server's id of the control.")
    controlId = serializers.CharField(source="control_id")
    controlType = serializers.CharField(
        source="control_type", help_text="Empty for one of which only the start was notified."
    )
    isDefault = serializers.BooleanField(source="is_default")
    priority = serializers.IntegerField(allow_null=True, help_text="The lower value counts.")
    settings: Any = serializers.DictField(help_text="As the station got or reported them.")
    state = serializers.ChoiceField(choices=DerControl.State.values)
    isCurrent = serializers.BooleanField(
        source="is_current", help_text="Whether the station has it, as far as its answers show."
    )
    isRunning = serializers.BooleanField(
        source="is_running", allow_null=True, help_text="By the last notification of the station."
    )
    runChangedAt = TimeField(source="run_changed_at", allow_null=True)
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command that brought it."
    )
    acceptedAt = TimeField(source="accepted_at", allow_null=True)
    reportedAt = TimeField(source="reported_at", allow_null=True)
    updatedAt = TimeField(source="updated_at")


class DerAlarmSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The server's id of the fault.")
    controlType = serializers.CharField(source="control_type")
    gridEventFault = serializers.CharField(source="fault", help_text="Empty if not named.")
    extraInfo = serializers.CharField(source="info")
    isOpen = serializers.BooleanField(source="is_open")
    openedAt = TimeField(source="opened_at")
    endedAt = TimeField(source="ended_at", allow_null=True)
    updatedAt = TimeField(source="updated_at")
