"""Issued certificates over REST."""

from __future__ import annotations

from rest_framework import serializers

from certificates.models import IssuedCertificate
from certificates.services.certificates import revoking
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TimeField


class IssuedCertificateSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(
        source="charge_point.identity", allow_null=True, default=None, help_text="null for this server."
    )
    certificateType = serializers.ChoiceField(source="type", choices=IssuedCertificate.Type.values)
    authorityId = serializers.IntegerField(source="authority_id")
    serialNumber = serializers.CharField(source="serial", help_text="Hexadecimal digits in lower case.")
    sha256 = serializers.CharField(help_text="The fingerprint.")
    subject = serializers.CharField()
    certificate = serializers.CharField(help_text="PEM.")
    chain = serializers.CharField(help_text="PEM of the CAs below the root.")
    state = serializers.ChoiceField(choices=IssuedCertificate.State.values)
    validFrom = TimeField(source="not_before")
    validUntil = TimeField(source="not_after")
    createdAt = TimeField(source="created_at")
    firstUsedAt = TimeField(
        source="first_used_at", allow_null=True, help_text="When the station first logged on with it."
    )
    lastUsedAt = TimeField(source="last_used_at", allow_null=True)
    revokeAt = TimeField(
        source="revoke_at", allow_null=True, help_text="When a superseded certificate will be revoked."
    )
    revokedAt = TimeField(source="revoked_at", allow_null=True)
    revocationReason = serializers.CharField(source="revocation_reason")


class RevokeBody(StrictSerializer):
    reason = serializers.ChoiceField(choices=revoking.REASONS, required=False, default="unspecified")
