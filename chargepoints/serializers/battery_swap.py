"""Battery swaps over REST, with the field names of OCPP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chargepoints.models import BatterySwap, SwappedBattery
from ocpp_server.api.fields import ReadSerializer, TimeField


class SwapRequestedSerializer(ReadSerializer):
    """The answer to a request for a swap."""

    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    swapId = serializers.CharField(help_text="The swap in .../battery-swaps.")
    swapRequestId = serializers.IntegerField(help_text="The requestId in the messages of the swap.")
    state = serializers.ChoiceField(choices=BatterySwap.State.values)
    reason = serializers.CharField(help_text="Why the station has rejected it.")
    warning = serializers.CharField(required=False)


class BatterySerializer(ReadSerializer):
    way = serializers.ChoiceField(
        choices=SwappedBattery.Way.values, help_text="offered: it was offered and not taken in time."
    )
    evseId = serializers.IntegerField(source="slot", help_text="The slot.")
    serialNumber = serializers.CharField(source="serial_number")
    soC = serializers.FloatField(source="soc", help_text="The state of charge in percent.")
    soH = serializers.FloatField(source="soh", help_text="The state of health in percent.")
    productionDate = TimeField(source="produced_at", allow_null=True)
    vendorInfo = serializers.CharField(source="vendor_info")
    refusal = serializers.CharField(help_text="Why this server does not accept the battery; usually empty.")
    at = TimeField()


class BatterySwapSerializer(ReadSerializer):
    id = serializers.CharField()
    swapRequestId = serializers.IntegerField(source="number", help_text="The requestId in the messages.")
    isRemote = serializers.BooleanField(source="is_remote", help_text="This server has asked for it.")
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command that asked for it."
    )
    idTag = serializers.CharField(source="id_token")
    idTagType = serializers.CharField(source="id_token_type")
    state = serializers.ChoiceField(choices=BatterySwap.State.values)
    reason = serializers.CharField(help_text="Why the station has rejected it.")
    batteries: Any = BatterySerializer(many=True)
    actor = serializers.CharField()
    createdAt = TimeField(source="created_at")
    acceptedAt = TimeField(source="accepted_at", allow_null=True)
    inAt = TimeField(source="in_at", allow_null=True)
    outAt = TimeField(source="out_at", allow_null=True)
    endedAt = TimeField(source="ended_at", allow_null=True)
