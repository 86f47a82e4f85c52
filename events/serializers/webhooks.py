"""Serializers of webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from events.models import WebhookDelivery, WebhookEndpoint
from events.services.webhooks import endpoints
from events.services.webhooks.attempts import Attempt
from events.services.webhooks.schedule import Meaning
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField, WholeField


class WebhookSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    url = serializers.CharField()
    secret = serializers.CharField(
        source="plain_secret",
        required=False,
        help_text="Only in the answer that creates or rotates it: it is not shown again.",
    )
    types = serializers.ListField(child=serializers.CharField())
    station = serializers.CharField(help_text="Only events of this station; empty: of all.")
    siteId = serializers.IntegerField(
        source="site_id", allow_null=True, help_text="Only events of this site; null: of all."
    )
    format = serializers.ChoiceField(choices=WebhookEndpoint.Format.values)
    personalData = serializers.ChoiceField(
        source="personal_data", choices=WebhookEndpoint.PersonalData.values
    )
    headers = serializers.SerializerMethodField(help_text="The names; their values are not shown.")
    ordering = serializers.ChoiceField(choices=WebhookEndpoint.Ordering.values)
    timeoutS = serializers.IntegerField(source="timeout_s")
    contactEmail = serializers.CharField(source="contact_email")
    state = serializers.ChoiceField(choices=WebhookEndpoint.State.values)
    stateReason = serializers.CharField(source="state_reason")
    position = serializers.IntegerField(
        source="cursor", help_text="Every event up to this position was delivered, or is in the log."
    )
    failureCount = serializers.IntegerField(
        source="failure_count", help_text="Failed attempts since the last success."
    )
    failingSince = TimeField(source="failing_since", allow_null=True)
    nextAttemptAt = TimeField(source="next_attempt_at", allow_null=True)
    lastSuccessAt = TimeField(source="last_success_at", allow_null=True)
    lastStatus = serializers.IntegerField(source="last_status", allow_null=True)
    lastError = serializers.CharField(source="last_error")
    previousSecretUntil = TimeField(source="previous_secret_until", allow_null=True)
    createdBy = serializers.CharField(source="created_by")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_headers(self, row: WebhookEndpoint) -> list[str]:
        return endpoints.header_names(row)


class DeliverySerializer(ReadSerializer):
    id = serializers.IntegerField()
    eventId = serializers.CharField(source="event_id")
    type = serializers.CharField()
    station = serializers.SerializerMethodField()
    position = serializers.IntegerField()
    state = serializers.ChoiceField(choices=WebhookDelivery.State.values)
    attemptCount = serializers.IntegerField(source="attempt_count")
    nextAttemptAt = TimeField(
        source="next_attempt_at",
        allow_null=True,
        help_text="null in a pending row: it waits for an older event of its station.",
    )
    statusCode = serializers.IntegerField(source="status_code", allow_null=True)
    error = serializers.CharField()
    durationMs = serializers.FloatField(source="duration_ms", allow_null=True)
    responseExcerpt = serializers.CharField(
        source="response_excerpt", help_text="The first 1,024 characters of the answer; secrets masked."
    )
    isReplay = serializers.BooleanField(source="is_replay")
    at = TimeField()

    @extend_schema_field({"type": "string", "nullable": True})
    def get_station(self, row: WebhookDelivery) -> str | None:
        return row.station or None


class TestResultSerializer(ReadSerializer):
    isDelivered = serializers.SerializerMethodField()
    statusCode = serializers.IntegerField(source="status", allow_null=True)
    error = serializers.CharField()
    durationMs = serializers.FloatField(source="duration_ms")
    responseExcerpt = serializers.CharField(source="excerpt")

    def get_isDelivered(self, result: Attempt) -> bool:
        return result.meaning is Meaning.DELIVERED


class ReplaySerializer(ReadSerializer):
    count = serializers.IntegerField(help_text="The events that are sent once more.")


class _Types(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            child=TextField(max_length=64),
            max_length=100,
            required=False,
            help_text="Types or patterns such as transaction.*; empty: all types without a star.",
            **kwargs,
        )


class WebhookChanges(StrictSerializer):
    name = TextField(max_length=100, required=False)
    url = TextField(max_length=2000, required=False, help_text="https; see docs/webhooks.md for others.")
    types = _Types()
    station = TextField(
        max_length=255, required=False, allow_blank=True, help_text="Only events of this station."
    )
    siteId = WholeField(
        source="site_id", min_value=1, required=False, allow_null=True, help_text="Only events of this site."
    )
    format = serializers.ChoiceField(choices=WebhookEndpoint.Format.values, required=False)
    personalData = serializers.ChoiceField(
        source="personal_data",
        choices=WebhookEndpoint.PersonalData.values,
        required=False,
        help_text="full: whole tokens instead of their first characters.",
    )
    headers = serializers.DictField(
        child=TextField(max_length=1000),
        required=False,
        help_text="At most 5 additional headers, such as Authorization. Their values are stored encrypted. A "
        "change replaces all of them.",
    )
    ordering = serializers.ChoiceField(choices=WebhookEndpoint.Ordering.values, required=False)
    timeoutS = WholeField(source="timeout_s", min_value=5, max_value=30, required=False)
    contactEmail = serializers.EmailField(
        source="contact_email",
        max_length=254,
        required=False,
        allow_blank=True,
        help_text="Gets an e-mail when the webhook is disabled.",
    )


class WebhookBody(WebhookChanges):
    name = TextField(max_length=100)
    url = TextField(max_length=2000, help_text="https; see docs/webhooks.md for others.")
    secret = TextField(
        max_length=100,
        required=False,
        help_text="whsec_ and 24 to 64 bytes in base64. Default: a new one, which the answer shows.",
    )


class EnableBody(StrictSerializer):
    start = serializers.ChoiceField(
        choices=["cursor", "now"],
        default="cursor",
        help_text="cursor: continue with the first event that was not delivered; now: skip the events since.",
    )


class RotateBody(StrictSerializer):
    overlapHours = serializers.FloatField(
        min_value=0,
        max_value=168,
        default=24.0,
        help_text="How long events are signed with the old secret too.",
    )


class ReplayBody(StrictSerializer):
    after = TimeField(help_text="Events that were stored after this time.")
    types = _Types()
