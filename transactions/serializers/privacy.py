"""The data that is stored about a person, and the result of its erasure. snake_case, as people are."""

from __future__ import annotations

from rest_framework import serializers

from ocpp_server.api.fields import AmountField, ReadSerializer, TimeField


class ExportedPersonSerializer(ReadSerializer):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    language = serializers.CharField()
    status = serializers.CharField()
    created_at = TimeField()
    updated_at = TimeField()


class ExportedContractSerializer(ReadSerializer):
    contract_id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.CharField()
    status = serializers.CharField()
    valid_from = TimeField(allow_null=True)
    valid_until = TimeField(allow_null=True)
    member_role = serializers.CharField()
    member_status = serializers.CharField()
    member_created_at = TimeField()


class ExportedTokenSerializer(ReadSerializer):
    uid = serializers.CharField()
    type = serializers.CharField()
    name = serializers.CharField()
    visual_number = serializers.CharField()
    group_id = serializers.CharField()
    issuer = serializers.CharField()
    status = serializers.CharField()
    valid = serializers.BooleanField()
    valid_from = TimeField(allow_null=True)
    expires_at = TimeField(allow_null=True)
    last_used_at = TimeField(allow_null=True)
    created_at = TimeField()


class ExportedSettlementSerializer(ReadSerializer):
    fix = serializers.CharField()
    reason = serializers.CharField()
    created_at = TimeField()


class ExportedSessionSerializer(ReadSerializer):
    id = serializers.IntegerField()
    station = serializers.CharField()
    id_token = serializers.CharField(help_text="As presented.")
    evse_number = serializers.IntegerField(allow_null=True)
    connector_number = serializers.IntegerField(allow_null=True)
    started_at = TimeField()
    stopped_at = TimeField(allow_null=True)
    meter_start_wh = AmountField(allow_null=True)
    meter_stop_wh = AmountField(allow_null=True)
    energy_wh = AmountField()
    stop_reason = serializers.CharField()
    authorization_status = serializers.CharField()
    authorization_reason = serializers.CharField()
    settlements = ExportedSettlementSerializer(many=True)


class ExportedRefusalSerializer(ReadSerializer):
    at = TimeField()
    station = serializers.CharField()
    id_token = serializers.CharField(help_text="As presented.")
    purpose = serializers.CharField()
    status = serializers.CharField()
    reason = serializers.CharField()


class ExportedReservationSerializer(ReadSerializer):
    id = serializers.IntegerField()
    number = serializers.IntegerField()
    station = serializers.CharField()
    id_token = serializers.CharField()
    evse_number = serializers.IntegerField(allow_null=True)
    requested_at = TimeField()
    expires_at = TimeField()
    state = serializers.CharField()
    reason = serializers.CharField()
    ended_at = TimeField(allow_null=True)


class ExportedRecipientSerializer(ReadSerializer):
    name = serializers.CharField()
    address = serializers.CharField()
    timezone = serializers.CharField()
    quiet_hours = serializers.JSONField()
    digest = serializers.CharField()
    created_at = TimeField()


class ExportedSwapSerializer(ReadSerializer):
    id = serializers.CharField()
    number = serializers.IntegerField()
    station = serializers.CharField()
    id_token = serializers.CharField()
    state = serializers.CharField()
    in_at = TimeField(allow_null=True)
    out_at = TimeField(allow_null=True)


class PersonExportSerializer(ReadSerializer):
    exported_at = TimeField()
    person = ExportedPersonSerializer()
    contracts = ExportedContractSerializer(many=True)
    tokens = ExportedTokenSerializer(many=True)
    sessions = ExportedSessionSerializer(many=True, help_text="Energy in Wh.")
    refusals = ExportedRefusalSerializer(many=True)
    reservations = ExportedReservationSerializer(many=True)
    alert_recipients = ExportedRecipientSerializer(many=True, help_text="Where alerts are sent to them.")
    battery_swaps = ExportedSwapSerializer(many=True)


class ErasedSerializer(ReadSerializer):
    tokens = serializers.IntegerField(help_text="Tokens that have a pseudonym now, and are invalid.")
    sessions = serializers.IntegerField(help_text="Sessions that name the pseudonym.")
    messages = serializers.IntegerField(help_text="Logged messages that were changed.")
