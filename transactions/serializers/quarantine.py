"""Quarantined messages in answers of the REST API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.api.fields import ANYTHING, ReadSerializer, TimeField, parsed
from ocpp_server.observability.masking import masked_text
from transactions.models import QuarantinedMessage


class QuarantinedMessageSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    transactionId = serializers.IntegerField(source="transaction_id", allow_null=True)
    action = serializers.CharField()
    reason = serializers.ChoiceField(choices=QuarantinedMessage.Reason.values)
    detail = serializers.CharField()
    payload = serializers.SerializerMethodField(help_text="As received; secrets masked.")
    receivedAt = TimeField(source="received_at")
    resolvedAt = TimeField(
        source="resolved_at",
        allow_null=True,
        help_text="When an operator marked it, or its session was found; null while it needs attention.",
    )

    @extend_schema_field(ANYTHING)
    def get_payload(self, message: QuarantinedMessage) -> Any:
        return parsed(masked_text(message.payload, message.action))
