"""The shape of the statistics of alerts over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.services.statistics import Statistic
from ocpp_server.api.fields import ReadSerializer


class AlertStatisticSerializer(ReadSerializer):
    month = serializers.SerializerMethodField(help_text="Of UTC, in which the alerts were opened.")
    code = serializers.CharField(help_text="The kind of alert, see docs/alerts.md.")
    opened = serializers.IntegerField()
    reopened = serializers.IntegerField(
        help_text="How often one of them opened again within 15 minutes after its end."
    )
    acknowledged = serializers.IntegerField()
    meanTimeToAcknowledgeS = serializers.FloatField(
        source="to_acknowledge_s",
        allow_null=True,
        help_text="Seconds from the opening to the first acknowledgement; null if none was acknowledged.",
    )
    resolved = serializers.IntegerField()
    meanTimeToResolveS = serializers.FloatField(
        source="to_resolve_s",
        allow_null=True,
        help_text="Seconds from the opening to the end; null if none is resolved.",
    )

    @extend_schema_field({"type": "string", "pattern": r"^\d{4}-\d\d$", "example": "2026-11"})
    def get_month(self, row: Statistic) -> str:
        return f"{row.month:%Y-%m}"


class AlertStatisticsSerializer(ReadSerializer):
    statistics: Any = AlertStatisticSerializer(many=True)
    count = serializers.IntegerField(help_text="The rows of this answer: one for each month and code.")
