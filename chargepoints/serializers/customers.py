"""Requests for customer information over REST."""

from __future__ import annotations

from rest_framework import serializers

from ocpp_server.api.fields import ReadSerializer


class CustomerAskedSerializer(ReadSerializer):
    requestId = serializers.CharField(help_text="The OCPP message id.")
    clientId = serializers.CharField()
    status = serializers.CharField(help_text="The station's own status, or the command's state.")
    reportRequestId = serializers.IntegerField(help_text="The requestId of the report that follows.")
    warning = serializers.CharField(required=False)
