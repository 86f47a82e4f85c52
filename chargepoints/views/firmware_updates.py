"""Firmware updates over REST: their progress and results."""

from __future__ import annotations

from rest_framework import serializers

from chargepoints.filters import FirmwareUpdateQuery
from chargepoints.models import FirmwareUpdate
from chargepoints.views.commanding import SentSerializer
from ocpp_server.api.fields import ReadSerializer, TimeField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion

TAG = "Firmware"


class FirmwareUpdateSerializer(ReadSerializer):
    id = serializers.IntegerField(help_text="The requestId of the request, too.")
    clientId = serializers.CharField(source="charge_point.identity")
    firmwareId = serializers.IntegerField(source="firmware_id", allow_null=True)
    location = serializers.CharField(help_text="An address elsewhere, login masked.")
    version = serializers.CharField(
        help_text="The version that the station must report in its boot; empty if unknown."
    )
    previousVersion = serializers.CharField(source="previous_version", help_text="At the request.")
    action = serializers.ChoiceField(choices=["UpdateFirmware", "SignedUpdateFirmware"])
    signed = serializers.BooleanField(source="is_signed")
    commandId = serializers.CharField(
        source="command_id",
        allow_null=True,
        help_text="The command that asked for it: the requestId from the answer to sending it.",
    )
    campaignId = serializers.IntegerField(source="campaign_id", allow_null=True)
    actor = serializers.CharField()
    state = serializers.ChoiceField(choices=FirmwareUpdate.State.values)
    status = serializers.CharField(
        help_text="The station's last notification that counted, such as InstallationFailed."
    )
    fault = serializers.CharField(help_text="Why it has failed, as a sentence.")
    bootedVersion = serializers.CharField(
        source="booted_version", help_text="The version in the last boot since the request."
    )
    bootedAt = TimeField(source="booted_at", allow_null=True)
    retrieveAt = TimeField(source="retrieve_at")
    installAt = TimeField(source="install_at", allow_null=True)
    createdAt = TimeField(source="created_at")
    finishedAt = TimeField(source="finished_at", allow_null=True)


class UpdateRequestedSerializer(SentSerializer):
    updateId = serializers.IntegerField()
    action = serializers.CharField(help_text="UpdateFirmware or SignedUpdateFirmware.")


class FirmwareUpdateViewSet(ResourceViewSet):
    tag, noun = TAG, "firmware update"
    label = "Firmware update {row.pk}"
    # A station changes an update without a request.
    has_etag = False
    queryset = FirmwareUpdate.objects.select_related("charge_point").order_by("-pk")
    serializer_class = FirmwareUpdateSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "firmware": Expansion("firmware", "chargepoints.views.firmware.FirmwareViewSet"),
        "campaign": Expansion("campaign", "chargepoints.views.campaigns.CampaignViewSet"),
        "command": Expansion("command", "chargepoints.views.commands.AllCommandsViewSet"),
    }
    lookup = Lookup("update_id", "The number of the update.")
    operations = (
        List(FirmwareUpdateQuery, summary="List firmware updates, newest first"),
        Get(summary="Get the progress and the result of a firmware update"),
    )
