"""Recipients of notices, and the log of notices, over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.models import AlertRecipient, Notification, Severity
from alerts.services.notices import quiet_hours
from alerts.services.notices.recipients import MOST_CODES
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)

_MOST_SITES = 1000
_QUIET = {
    "type": "array",
    "maxItems": quiet_hours.MOST,
    "items": {
        "type": "object",
        "properties": {
            "days": {"type": "string", "example": "mon-fri", "description": "Such as mon-fri or sat,sun."},
            "from": {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "example": "22:00"},
            "to": {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$", "example": "06:30"},
        },
        "required": ["from", "to"],
        "additionalProperties": False,
    },
}
_QUIET_HELP = (
    "Times in which info and warning wait, in the recipient's time zone. A time over midnight belongs to the "
    "day on which it begins; without `days` it is every day."
)


@extend_schema_field(_QUIET)
class QuietHoursField(serializers.JSONField):
    """A list of times; the service checks it."""


class RecipientSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    channel = serializers.ChoiceField(choices=AlertRecipient.Channel.values)
    operator = serializers.CharField(source="user.username", default=None, allow_null=True)
    address = serializers.CharField(help_text="Empty: the e-mail address of the operator.")
    minSeverity = serializers.ChoiceField(source="min_severity", choices=Severity.values)
    siteIds = serializers.SerializerMethodField(help_text="Empty: all sites, and the server.")
    codes = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    onlyEscalations = serializers.BooleanField(source="only_escalations")
    language = serializers.CharField()
    timezone = serializers.CharField()
    quietHours = QuietHoursField(source="quiet_hours", help_text=_QUIET_HELP)
    digest = serializers.ChoiceField(choices=AlertRecipient.Digest.values)
    enabled = serializers.BooleanField(source="is_enabled")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    def get_siteIds(self, recipient: AlertRecipient) -> list[int]:
        return sorted(site.pk for site in recipient.sites.all())


class RecipientChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    operator = TextField(
        required=False,
        allow_null=True,
        max_length=150,
        help_text="The login of an operator. Without an address, its e-mail address is used.",
    )
    address = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    minSeverity = serializers.ChoiceField(source="min_severity", choices=Severity.values, required=False)
    siteIds = serializers.ListField(
        source="sites", child=WholeField(min_value=1), max_length=_MOST_SITES, required=False
    )
    codes = serializers.ListField(child=TextField(max_length=32), max_length=MOST_CODES, required=False)
    onlyEscalations = FlagField(
        source="only_escalations",
        required=False,
        help_text="It gets only what a step of an escalation sends to it.",
    )
    language = TextField(required=False, allow_blank=True, max_length=8, help_text="ISO 639-1, such as de.")
    timezone = TextField(required=False, max_length=64, help_text="IANA name, such as Europe/Vienna.")
    quietHours: Any = QuietHoursField(source="quiet_hours", required=False, help_text=_QUIET_HELP)
    digest = serializers.ChoiceField(choices=AlertRecipient.Digest.values, required=False)
    enabled = FlagField(source="is_enabled", required=False)


class RecipientBody(RecipientChanges):
    name = TextField(max_length=100, help_text="Steps of an escalation name it.")


class NoticeSerializer(ReadSerializer):
    id = serializers.IntegerField()
    alertId = serializers.IntegerField(source="alert_id", allow_null=True, help_text="Null for a test.")
    recipientId = serializers.IntegerField(source="recipient_id")
    recipient = serializers.CharField(source="recipient.name")
    channel = serializers.ChoiceField(choices=AlertRecipient.Channel.values)
    kind = serializers.ChoiceField(choices=Notification.Kind.values)
    state = serializers.ChoiceField(choices=Notification.State.values)
    why = serializers.ChoiceField(
        choices=["", *Notification.Why.values], help_text="Why it waits or was not sent; empty otherwise."
    )
    error = serializers.CharField(help_text="The last answer of a mail server that did not take it.")
    attempts = serializers.IntegerField()
    dueAt = TimeField(source="due_at", allow_null=True, help_text="Null when nothing more is due.")
    sentAt = TimeField(source="sent_at", allow_null=True)
    createdAt = TimeField(source="created_at")
