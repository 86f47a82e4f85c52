"""Changes of security profiles over REST."""

from __future__ import annotations

from rest_framework import serializers

from chargepoints.models import SecurityProfileChange
from ocpp_server.api.fields import ReadSerializer, TimeField


class ProfileStepSerializer(ReadSerializer):
    state = serializers.ChoiceField(choices=SecurityProfileChange.State.values)
    at = serializers.CharField(help_text="When the step began.")
    answer = serializers.CharField(help_text="The station's answer that ended it; empty without one.")


class SecurityProfileChangeSerializer(ReadSerializer):
    id = serializers.IntegerField()
    previousProfile = serializers.IntegerField(source="previous", help_text="The profile at the request.")
    targetProfile = serializers.IntegerField(source="target")
    state = serializers.ChoiceField(choices=SecurityProfileChange.State.values)
    isOpen = serializers.BooleanField(source="is_open", help_text="Both profiles are admitted.")
    reason = serializers.CharField(help_text="Why it waits, or has failed, as a sentence.")
    steps = ProfileStepSerializer(many=True, help_text="The steps so far, in order.")
    slot = serializers.IntegerField(allow_null=True, help_text="2.x: the slot of the network profile.")
    csmsUrl = serializers.CharField(
        source="csms_url", help_text="2.x: the address in that slot, login masked."
    )
    justification = serializers.CharField(help_text="Why it was sent in spite of a failed check.")
    window = serializers.IntegerField(help_text="Seconds that the station has to return.")
    actor = serializers.CharField()
    commandId = serializers.CharField(
        source="first_command", help_text="The command of its first step: the requestId of the request."
    )
    createdAt = TimeField(source="created_at")
    endedAt = TimeField(source="ended_at", allow_null=True)


class ProfileChangeRequestedSerializer(ReadSerializer):
    """The answer to a request to change the security profile."""

    requestId = serializers.CharField(help_text="The OCPP message id of the last command.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    changeId = serializers.IntegerField(help_text="The change in .../security-profile-changes.")
    state = serializers.ChoiceField(choices=SecurityProfileChange.State.values)
    reason = serializers.CharField(help_text="Why it waits, or has failed.")
    warning = serializers.CharField(required=False)
