"""Filters and ordering of the lists of smart charging."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering
from smart_charging.models import ChargingPlan, DerControl, InstalledProfile
from smart_charging.models.der import CURRENT


class InstalledProfileQuery(ListQuery):
    orderings = {"installedAt": "installed_at"}
    exact = {
        "chargingProfileId": "profile_id",
        "connectorId": "evse_number",
        "chargingProfilePurpose": "purpose",
        "transactionId": "transaction_id",
        "state": "state",
        "chargingLimitSource": "source",
    }
    moment = "installed_at"

    ordering = ordering(orderings)
    isCurrent = FlagField(required=False, help_text="Whether the station has it, as far as is known.")
    state = serializers.ChoiceField(choices=InstalledProfile.State.values, required=False)
    chargingProfileId = WholeField(required=False)
    connectorId = WholeField(required=False, min_value=0)
    chargingProfilePurpose = TextField(required=False, max_length=64, help_text="By its 2.x name.")
    transactionId = WholeField(required=False, min_value=1)
    chargingLimitSource = TextField(required=False, max_length=64)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_current = self.validated_data.get("isCurrent")
        return rows if is_current is None else rows.filter(ended_at__isnull=is_current)


class ExternalLimitQuery(ListQuery):
    orderings = {"setAt": "set_at"}
    exact = {"connectorId": "evse_number", "chargingLimitSource": "source"}
    moment = "set_at"

    ordering = ordering(orderings)
    isInForce = FlagField(required=False, help_text="Whether its source has not released it.")
    connectorId = WholeField(required=False, min_value=0)
    chargingLimitSource = TextField(required=False, max_length=64)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_in_force = self.validated_data.get("isInForce")
        return rows if is_in_force is None else rows.filter(cleared_at__isnull=is_in_force)


class ChargingPlanQuery(ChangedQuery):
    orderings = {"updatedAt": "updated_at"}
    exact = {
        "transactionId": "transaction_id",
        "answer": "answer",
        "hasPriority": "has_priority",
        "isWithinLimits": "is_within_limits",
    }
    moment = "updated_at"

    ordering = ordering(orderings)
    transactionId = WholeField(required=False, min_value=1)
    answer = serializers.ChoiceField(choices=ChargingPlan.Answer.values, required=False)
    hasPriority = FlagField(required=False)
    isWithinLimits = FlagField(required=False)


class DerControlQuery(ChangedQuery):
    orderings = {"updatedAt": "updated_at"}
    exact = {
        "controlId": "control_id",
        "controlType": "control_type",
        "isDefault": "is_default",
        "state": "state",
    }
    moment = "updated_at"

    ordering = ordering(orderings)
    isCurrent = FlagField(required=False, help_text="Whether the station has it, as far as is known.")
    controlId = TextField(required=False, max_length=64)
    controlType = TextField(required=False, max_length=64)
    isDefault = FlagField(required=False)
    state = serializers.ChoiceField(choices=DerControl.State.values, required=False)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_current = self.validated_data.get("isCurrent")
        if is_current is None:
            return rows
        return rows.filter(state__in=CURRENT) if is_current else rows.exclude(state__in=CURRENT)


class DerAlarmQuery(ChangedQuery):
    orderings = {"updatedAt": "updated_at"}
    exact = {"controlType": "control_type", "gridEventFault": "fault"}
    moment = "updated_at"

    ordering = ordering(orderings)
    isOpen = FlagField(required=False)
    controlType = TextField(required=False, max_length=64)
    gridEventFault = TextField(required=False, max_length=64)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_open = self.validated_data.get("isOpen")
        return rows if is_open is None else rows.filter(ended_at__isnull=is_open)
