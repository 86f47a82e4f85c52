"""The end of every certificate over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from certificates.services.certificates.expiry import Kind
from ocpp_server.api.fields import ReadSerializer, TimeField


class ExpiringCertificateSerializer(ReadSerializer):
    kind = serializers.ChoiceField(choices=[one.value for one in Kind])
    id = serializers.IntegerField(source="pk", help_text="The number of the certificate among its kind.")
    certificateType = serializers.CharField(source="type", help_text="Such as csms or V2GCertificate.")
    subject = serializers.CharField()
    sha256 = serializers.CharField()
    clientId = serializers.CharField(source="station", help_text="Empty for one that is not of one station.")
    notAfter = TimeField(source="not_after")
    days = serializers.IntegerField(help_text="Whole days until the end; below 0 after it.")


class ExpiringListSerializer(ReadSerializer):
    certificates: Any = ExpiringCertificateSerializer(many=True)
    count = serializers.IntegerField(help_text="The certificates in this answer.")
    total = serializers.IntegerField()
