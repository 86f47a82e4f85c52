"""Published firmware over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chargepoints.models import PublishedFirmware
from ocpp_server.api.fields import ReadSerializer, TimeField


class PublishRequestedSerializer(ReadSerializer):
    """The answer to a request to publish a firmware."""

    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    publicationId = serializers.CharField(help_text="The request in .../published-firmware.")
    publishRequestId = serializers.IntegerField(help_text="The requestId of the request.")
    state = serializers.ChoiceField(choices=PublishedFirmware.State.values)
    reason = serializers.CharField(help_text="Why it was rejected.")
    warning = serializers.CharField(required=False)


class PublishedFirmwareSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The command that asked for it.")
    publishRequestId = serializers.IntegerField(source="number", help_text="The requestId of the request.")
    firmwareId = serializers.IntegerField(source="firmware_id", allow_null=True)
    location = serializers.CharField(help_text="An address elsewhere, login masked.")
    checksum = serializers.CharField(help_text="The MD5 of the file, by which it is unpublished.")
    state = serializers.ChoiceField(choices=PublishedFirmware.State.values)
    isCurrent = serializers.BooleanField(
        source="is_current", help_text="Whether it is published, or may be soon."
    )
    status = serializers.CharField(help_text="The station's last notification.")
    reason = serializers.CharField(help_text="Why it has failed, as a sentence.")
    locations: Any = serializers.ListField(
        child=serializers.CharField(),
        help_text="The addresses at which the stations behind the controller find it.",
    )
    actor = serializers.CharField()
    createdAt = TimeField(source="created_at")
    publishedAt = TimeField(source="published_at", allow_null=True)
    endedAt = TimeField(source="ended_at", allow_null=True)
