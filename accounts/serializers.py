"""The shapes of accounts: snake_case."""

from __future__ import annotations

from rest_framework import serializers

from accounts.models import Token
from accounts.services.tokens import INPUT_TYPES
from ocpp_server.api.fields import FlagField, ReadSerializer, StrictSerializer, TextField, TimeField


class TokenSerializer(ReadSerializer):
    id = serializers.IntegerField()
    uid = serializers.CharField()
    type = serializers.ChoiceField(choices=Token.Type.values)
    status = serializers.ChoiceField(choices=Token.Status.values)
    valid = serializers.BooleanField()
    group_id = serializers.CharField()
    name = serializers.CharField()
    expires_at = TimeField(allow_null=True)
    last_used_at = TimeField(allow_null=True)
    created_at = TimeField()
    updated_at = TimeField()


class TokenBody(StrictSerializer):
    uid = TextField(max_length=255, help_text="A vehicle's is its MAC address.")
    type = serializers.ChoiceField(choices=list(INPUT_TYPES), default="RFID")
    status = serializers.ChoiceField(choices=Token.Status.values, required=False)
    valid = FlagField(required=False)
    group_id = TextField(required=False, allow_blank=True, max_length=36)
    name = TextField(required=False, allow_blank=True, max_length=100)
    expires_at = TimeField(required=False, allow_null=True)

    def validate_uid(self, uid: str) -> str:
        if not uid.strip():
            raise serializers.ValidationError("Must not be blank.")
        return uid


class TokenChanges(TokenBody):
    uid = TextField(required=False, max_length=255)
    type = serializers.ChoiceField(choices=list(INPUT_TYPES), required=False)
