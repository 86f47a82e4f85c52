"""Network profiles of stations over REST, without their secrets."""

from __future__ import annotations

from rest_framework import serializers

from configuration.filters import NetworkProfileQuery
from configuration.models import NetworkProfile
from ocpp_server.api.fields import ReadSerializer, TimeField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion


class NetworkProfileSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    slot = serializers.IntegerField()
    state = serializers.ChoiceField(choices=NetworkProfile.State.values)
    reason = serializers.CharField(help_text="Why the station refused it.")
    csmsUrl = serializers.CharField(source="csms_url", help_text="A login in it is masked.")
    ocppVersion = serializers.CharField(source="ocpp_version")
    transport = serializers.CharField()
    interface = serializers.CharField()
    messageTimeout = serializers.IntegerField(source="message_timeout")
    securityProfile = serializers.IntegerField(source="security_profile")
    identity = serializers.CharField(help_text="Empty: the present one.")
    setsPassword = serializers.BooleanField(source="sets_password")
    hasApn = serializers.BooleanField(source="has_apn")
    vpnType = serializers.CharField(source="vpn_type")
    vpnServer = serializers.CharField(source="vpn_server")
    actor = serializers.CharField()
    commandId = serializers.CharField(
        source="command_id",
        allow_null=True,
        help_text="The command that sent it: the requestId from the answer to sending it.",
    )
    sentAt = TimeField(source="sent_at")
    answeredAt = TimeField(source="answered_at", allow_null=True)


class NetworkProfileViewSet(ResourceViewSet):
    tag, noun, key = "Configuration", "network profile", "networkProfiles"
    label = "Network profile {row.pk}"
    # A station changes it without a request.
    has_etag = False
    queryset = NetworkProfile.objects.select_related("charge_point").order_by("-pk")
    serializer_class = NetworkProfileSerializer
    deletions = NetworkProfile
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "command": Expansion("command", "chargepoints.views.commands.AllCommandsViewSet"),
    }
    lookup = Lookup("profile_id", "The number of the network profile.")
    operations = (
        List(
            NetworkProfileQuery,
            summary="List the network profiles of stations, newest first",
            description="Of each slot the confirmed profile, and one that is not answered or refused.",
        ),
        Get(),
    )
