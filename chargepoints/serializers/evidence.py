"""Refused connections and deviations over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.models import Deviation
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField, WholeField
from ocpp_server.observability.masking import masked_frame


class RefusedConnectionSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(
        source="identity", help_text="As the station spells it; empty where the address has none."
    )
    remoteAddress = serializers.CharField(source="remote_address")
    path = serializers.CharField(help_text="Of the address; empty for a failed TLS handshake.")
    subprotocols = serializers.CharField(help_text="As offered.")
    hadCredentials = serializers.BooleanField(source="had_credentials")
    code = serializers.IntegerField(help_text="The HTTP status, or the WebSocket close code.")
    reason = serializers.CharField()
    canBeAccepted = serializers.BooleanField(
        source="can_be_accepted", help_text="The station is unknown and can be accepted."
    )
    count = serializers.IntegerField(help_text="Attempts with less than ten minutes between them.")
    at = TimeField(help_text="The last attempt.")


class AcceptBody(StrictSerializer):
    """Settings of the new station."""

    name = TextField(required=False, allow_blank=True, max_length=100)
    siteId = WholeField(
        source="site",
        required=False,
        min_value=1,
        help_text="Required of a caller that is limited to several sites.",
    )


class DeviationSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    kind = serializers.CharField(help_text="Such as unknown-action or repeated-start.")
    action = serializers.CharField()
    path = serializers.CharField(help_text="The field in the payload.")
    detail = serializers.CharField()
    example = serializers.SerializerMethodField(
        help_text="The first frame of this kind, shortened; secrets masked."
    )
    count = serializers.IntegerField()
    firstAt = TimeField(source="first_at")
    lastAt = TimeField(source="last_at")

    @extend_schema_field({"type": "string"})
    def get_example(self, deviation: Deviation) -> Any:
        return masked_frame(deviation.example)
