"""Filters and ordering of the list of charging profiles."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ListQuery, ordering
from smart_charging.models import InstalledProfile


class InstalledProfileQuery(ListQuery):
    orderings = {"installedAt": "installed_at"}
    exact = {
        "chargingProfileId": "profile_id",
        "connectorId": "evse_number",
        "chargingProfilePurpose": "purpose",
        "transactionId": "transaction_id",
        "state": "state",
    }
    moment = "installed_at"

    ordering = ordering(orderings)
    isCurrent = FlagField(required=False, help_text="Whether the station has it, as far as is known.")
    state = serializers.ChoiceField(choices=InstalledProfile.State.values, required=False)
    chargingProfileId = WholeField(required=False)
    connectorId = WholeField(required=False, min_value=0)
    chargingProfilePurpose = TextField(required=False, max_length=64, help_text="By its 2.x name.")
    transactionId = WholeField(required=False, min_value=1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        is_current = self.validated_data.get("isCurrent")
        return rows if is_current is None else rows.filter(ended_at__isnull=is_current)
