"""The shapes of alerts, their notes and rules over REST, and the bodies of requests."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.models import Alert, AlertRule, Severity
from alerts.models.rule import MOST_SECONDS
from alerts.services import handling
from alerts.services.codes import CODES
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)

_PLACE = {
    "type": "object",
    "nullable": True,
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
    "required": ["id", "name"],
}


class AlertSerializer(ReadSerializer):
    id = serializers.IntegerField()
    code = serializers.CharField(help_text="The kind of alert, see docs/alerts.md.")
    key = serializers.CharField(help_text="Names the cause: at most one unresolved alert has it.")
    severity = serializers.ChoiceField(choices=Severity.values)
    state = serializers.ChoiceField(choices=Alert.State.values)
    isRecovering = serializers.BooleanField(
        source="is_recovering", help_text="Whether the cause is over, and the alert resolves soon."
    )
    suppression = serializers.CharField(
        help_text="Why nothing is sent: inhibited (inhibitedBy explains it), maintenance, or empty."
    )
    inhibitedBy = serializers.IntegerField(
        source="inhibited_by_id", allow_null=True, help_text="The alert that explains this one."
    )
    title = serializers.CharField()
    detail = serializers.CharField(help_text="The last known facts.")
    whatToDo = serializers.CharField(source="what_to_do")
    clientId = serializers.SerializerMethodField(help_text="The station; it stays when that is deleted.")
    site = serializers.SerializerMethodField()
    evseId = serializers.IntegerField(source="evse_number", allow_null=True)
    connectorId = serializers.IntegerField(source="connector_number", allow_null=True)
    transactionId = serializers.IntegerField(source="transaction_id", allow_null=True)
    values = serializers.DictField(help_text="first, last and max of the measured value.")
    count = serializers.IntegerField(help_text="How often it was noticed.")
    episode = serializers.IntegerField(help_text="How often it was opened.")
    assignee = serializers.SerializerMethodField(help_text="The login of the operator who works on it.")
    acknowledgedBy = serializers.SerializerMethodField()
    resolvedBy = serializers.SerializerMethodField(help_text="`server` when the cause ended.")
    resolution = serializers.CharField(
        help_text="recovered, fixed, false-alarm, superseded, rule-removed or removed; empty before."
    )
    openedAt = TimeField(source="opened_at", help_text="When it was opened, the last time.")
    lastSeenAt = TimeField(source="last_seen_at", help_text="When the cause was noticed last.")
    acknowledgedAt = TimeField(source="acknowledged_at", allow_null=True)
    snoozedUntil = TimeField(source="snoozed_until", allow_null=True)
    resolvedAt = TimeField(source="resolved_at", allow_null=True)
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    @extend_schema_field({"type": "string", "nullable": True})
    def get_clientId(self, row: Alert) -> str | None:
        return row.station or None

    @extend_schema_field(_PLACE)
    def get_site(self, row: Alert) -> dict[str, Any] | None:
        return None if row.site is None else {"id": row.site.pk, "name": row.site.name}

    @extend_schema_field({"type": "string", "nullable": True})
    def get_assignee(self, row: Alert) -> str | None:
        return None if row.assignee is None else str(row.assignee.username)

    @extend_schema_field({"type": "string", "nullable": True})
    def get_acknowledgedBy(self, row: Alert) -> str | None:
        return row.acknowledged_by or None

    @extend_schema_field({"type": "string", "nullable": True})
    def get_resolvedBy(self, row: Alert) -> str | None:
        return row.resolved_by or None


class AcknowledgeBody(StrictSerializer):
    note = TextField(required=False, allow_blank=True, max_length=handling.MOST_NOTE)


class SnoozeBody(StrictSerializer):
    until = TimeField(help_text="Within 31 days.")


class ResolveBody(StrictSerializer):
    resolution = serializers.ChoiceField(choices=[one.value for one in handling.BY_HAND])
    note = TextField(required=False, allow_blank=True, max_length=handling.MOST_NOTE)


class AssignBody(StrictSerializer):
    assignee = TextField(allow_null=True, max_length=150, help_text="The login of an operator; null: no one.")


class AlertNoteSerializer(ReadSerializer):
    id = serializers.IntegerField()
    text = serializers.CharField()
    author = serializers.CharField(help_text="The operator or the API key that wrote it.")
    createdAt = TimeField(source="created_at")


class AlertNoteBody(StrictSerializer):
    text = TextField(max_length=handling.MOST_NOTE)


# -- rules ---------------------------------------------------------------------------------------------------


class AlertRuleSerializer(ReadSerializer):
    id = serializers.IntegerField()
    code = serializers.CharField()
    condition = serializers.SerializerMethodField(help_text="The condition with its default limits.")
    clientId = serializers.SerializerMethodField(help_text="The station of a copy.")
    siteId = serializers.IntegerField(source="site_id", allow_null=True, help_text="The site of a copy.")
    isEnabled = serializers.BooleanField(source="is_enabled")
    severity = serializers.ChoiceField(choices=Severity.values)
    criticalAfterS = serializers.IntegerField(
        source="critical_after_s", allow_null=True, help_text="It becomes critical after this time."
    )
    forS = serializers.IntegerField(source="for_s", help_text="How long the condition lasts before it opens.")
    keepForS = serializers.IntegerField(
        source="keep_for_s", help_text="How long the condition is over before it resolves."
    )
    parameters = serializers.DictField(child=serializers.IntegerField(), help_text="The limits of the code.")
    autoResolve = serializers.BooleanField(source="auto_resolve")
    reopens = serializers.BooleanField(
        help_text="Whether it opens again when it was resolved by hand and the condition still holds."
    )
    quiet = serializers.ChoiceField(choices=AlertRule.Quiet.values)
    escalation = serializers.ListField(
        child=serializers.DictField(),
        help_text="The steps while it is not acknowledged; see docs/alert-notices.md.",
    )
    note = serializers.CharField(help_text="Added to what to do.")
    updatedBy = serializers.CharField(source="updated_by")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    @extend_schema_field({"type": "string"})
    def get_condition(self, row: AlertRule) -> str:
        return CODES[row.code].condition if row.code in CODES else ""

    @extend_schema_field({"type": "string", "nullable": True})
    def get_clientId(self, row: AlertRule) -> str | None:
        return None if row.charge_point is None else row.charge_point.identity


class AlertRuleChanges(StrictSerializer):
    isEnabled = FlagField(source="is_enabled", required=False)
    severity = serializers.ChoiceField(choices=Severity.values, required=False)
    criticalAfterS = WholeField(
        source="critical_after_s", required=False, allow_null=True, min_value=1, max_value=MOST_SECONDS
    )
    forS = WholeField(source="for_s", required=False, min_value=0, max_value=MOST_SECONDS)
    keepForS = WholeField(source="keep_for_s", required=False, min_value=0, max_value=MOST_SECONDS)
    parameters = serializers.DictField(required=False, help_text="Only the limits to change.")
    autoResolve = FlagField(source="auto_resolve", required=False)
    reopens = FlagField(required=False)
    quiet = serializers.ChoiceField(choices=AlertRule.Quiet.values, required=False)
    escalation = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text='Steps such as {"to": ["Night watch"], "afterS": 900, "severity": "critical"}.',
    )
    note = TextField(required=False, allow_blank=True, max_length=2000)


class AlertRuleBody(AlertRuleChanges):
    code = serializers.ChoiceField(choices=list(CODES))
    siteId = WholeField(required=False, min_value=1, help_text="Either a site or a station.")
    clientId = TextField(required=False, max_length=255, help_text="Either a site or a station.")
