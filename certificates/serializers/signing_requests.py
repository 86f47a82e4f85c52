"""Signing requests over REST."""

from __future__ import annotations

from rest_framework import serializers

from certificates.models import SigningRequest
from chargepoints.views.commanding import SentSerializer
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField


class SigningRequestSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    certificateType = serializers.CharField(source="type")
    state = serializers.ChoiceField(choices=SigningRequest.State.values)
    reason = serializers.CharField(help_text="Why it has this state, as a sentence; empty if there is none.")
    csr = serializers.CharField(help_text="PEM, as the station sent it.")
    commonName = serializers.CharField(source="common_name", help_text="Empty for a CSR that can't be read.")
    keySha256 = serializers.CharField(source="key_sha256", help_text="Of the public key.")
    requestNumber = serializers.IntegerField(
        source="request_number", allow_null=True, help_text="The requestId of OCPP 2.1."
    )
    authorityId = serializers.IntegerField(source="authority_id", allow_null=True)
    approvedBy = serializers.CharField(
        source="approved_by", help_text="The administrator who has decided; empty if that was not needed."
    )
    approvedAt = TimeField(source="approved_at", allow_null=True)
    certificateId = serializers.IntegerField(source="certificate_id", allow_null=True)
    requestId = serializers.CharField(source="command_id", help_text="The last CertificateSigned.")
    attempts = serializers.IntegerField(help_text="How often the certificate was sent.")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")


class RejectBody(StrictSerializer):
    reason = TextField(max_length=400, required=False, allow_blank=True)


class SentCertificateSerializer(SentSerializer):
    signingRequestId = serializers.IntegerField()
