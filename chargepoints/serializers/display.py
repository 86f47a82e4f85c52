"""Display messages over REST, with the field names of OCPP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chargepoints.models import DisplayMessage
from ocpp_server.api.fields import ReadSerializer, TimeField


class MessageSetSerializer(ReadSerializer):
    """The answer to a request to show a message."""

    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    displayMessageId = serializers.CharField(help_text="The message in .../display-messages.")
    messageId = serializers.IntegerField(help_text="Its ID at the station.")
    state = serializers.ChoiceField(choices=DisplayMessage.State.values)
    reason = serializers.CharField(help_text="Why the station has rejected it.")
    warning = serializers.CharField(required=False)


class MessagesRequestedSerializer(ReadSerializer):
    """The answer to a request for the messages of a station."""

    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    reportRequestId = serializers.IntegerField(help_text="The requestId of the report that follows.")
    warning = serializers.CharField(required=False)


class DisplayMessageSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The server's id of this request to show the message.")
    messageId = serializers.IntegerField(source="number", help_text="The ID of the message at the station.")
    isForeign = serializers.BooleanField(
        source="is_foreign", help_text="The station reported it; this server has not set it."
    )
    isCurrent = serializers.BooleanField(
        source="is_current", help_text="Whether the station has it, or may have it."
    )
    state = serializers.ChoiceField(choices=DisplayMessage.State.values)
    reason = serializers.CharField(help_text="Why the station has rejected it.")
    priority = serializers.CharField()
    shownWhile = serializers.CharField(
        source="station_state", help_text="The state in which the station shows it; empty for any."
    )
    startDateTime = TimeField(source="starts_at", allow_null=True)
    endDateTime = TimeField(source="ends_at", allow_null=True)
    transactionId = serializers.CharField(
        source="transaction", help_text="The station's id of the session with which it ends; empty for none."
    )
    format = serializers.CharField()
    language = serializers.CharField()
    content = serializers.CharField()
    messageExtra: Any = serializers.ListField(
        source="extra", child=serializers.DictField(), help_text="The message in other languages."
    )
    display: Any = serializers.DictField(help_text="The component of the display; empty for the main one.")
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command that asked for it."
    )
    actor = serializers.CharField()
    createdAt = TimeField(source="created_at")
    confirmedAt = TimeField(source="confirmed_at", allow_null=True)
    endedAt = TimeField(source="ended_at", allow_null=True)
