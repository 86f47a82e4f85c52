"""Query strings of the lists of maintenance windows and of aggregates."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from aggregates.models import MaintenanceWindow
from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import TextField, TimeField, WholeField
from ocpp_server.api.lists import ChangedQuery, ordering


class MaintenanceWindowQuery(ChangedQuery):
    orderings = {"id": "pk", "from": "begins_at", "until": "ends_at", "updatedAt": "updated_at"}
    exact = {"reason": "reason", "siteId": "site"}

    ordering = ordering(orderings)
    clientId = TextField(
        required=False, max_length=255, help_text="Windows of this station, without its site."
    )
    siteId = WholeField(required=False, min_value=1)
    reason = serializers.ChoiceField(choices=MaintenanceWindow.Reason.values, required=False)
    at = TimeField(required=False, help_text="Windows that cover this time.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        if "at" in asked:
            rows = rows.filter(begins_at__lte=asked["at"], ends_at__gt=asked["at"])
        return rows
