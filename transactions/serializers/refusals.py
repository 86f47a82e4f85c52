"""Refused tokens in answers of the REST API."""

from __future__ import annotations

from rest_framework import serializers

from ocpp_server.api.fields import ReadSerializer, TimeField
from transactions.models import Refusal


class RefusalSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    connectorId = serializers.IntegerField(
        source="evse_number", allow_null=True, help_text="The EVSE; null where the station named none."
    )
    idTag = serializers.CharField(source="id_token", help_text="As presented.")
    tokenId = serializers.IntegerField(source="token_id", allow_null=True)
    purpose = serializers.ChoiceField(
        choices=Refusal.Purpose.values,
        help_text="contract: an authorization with a contract certificate (Plug & Charge).",
    )
    status = serializers.CharField(help_text="As OCPP 2.x spells it; 1.6 has fewer.")
    reason = serializers.CharField()
    at = TimeField()
