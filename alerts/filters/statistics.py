"""Filters of the statistics of alerts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from alerts.models import Alert
from alerts.services.codes import CODES
from ocpp_server.api.fields import StrictSerializer, WholeField
from ocpp_server.api.lists import period, within


class StatisticQuery(StrictSerializer):
    code = serializers.ChoiceField(choices=list(CODES), required=False)
    siteId = WholeField(required=False, min_value=1)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | period()

    def filtered(self, rows: QuerySet[Alert]) -> QuerySet[Alert]:
        """The alerts that the request asks for; `from` and `to` are about their opening."""
        asked = self.validated_data
        rows = within(rows, "opened_at", asked)
        if "code" in asked:
            rows = rows.filter(code=asked["code"])
        return rows.filter(site=asked["siteId"]) if "siteId" in asked else rows
