"""CAs and requests for them over REST."""

from __future__ import annotations

from rest_framework import serializers

from certificates.models import AuthorityRequest, CertificateAuthority
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField


class CertificateAuthoritySerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    parentId = serializers.IntegerField(
        source="parent_id", allow_null=True, help_text="The CA above it; null for a root."
    )
    usage = serializers.ChoiceField(choices=CertificateAuthority.Usage.values)
    keyType = serializers.ChoiceField(source="key_type", choices=CertificateAuthority.KeyType.values)
    state = serializers.ChoiceField(choices=CertificateAuthority.State.values)
    subject = serializers.CharField()
    sha256 = serializers.CharField(help_text="The fingerprint.")
    certificate = serializers.CharField(help_text="PEM.")
    validFrom = TimeField(source="not_before")
    validUntil = TimeField(source="not_after")
    listNumber = serializers.IntegerField(
        source="crl_number",
        help_text="Of its last revocation list, at /pki/crl/<id>.crl; 0 before the first.",
    )
    listValidUntil = TimeField(source="crl_expires_at", allow_null=True)
    createdAt = TimeField(source="created_at")


class AuthorityRequestSerializer(ReadSerializer):
    id = serializers.IntegerField()
    organization = serializers.CharField()
    name = serializers.CharField()
    usage = serializers.ChoiceField(choices=CertificateAuthority.Usage.values)
    state = serializers.ChoiceField(choices=AuthorityRequest.State.values)
    reason = serializers.CharField(help_text="Why it has failed; empty otherwise.")
    actor = serializers.CharField()
    createdAt = TimeField(source="created_at")
    finishedAt = TimeField(source="finished_at", allow_null=True)


class AuthorityRequestBody(StrictSerializer):
    organization = TextField(
        max_length=64, help_text="The operator's name: O of the CAs and of the certificates of stations."
    )
    name = TextField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="The start of the CAs' names; the organization when empty.",
    )
    usage = serializers.ChoiceField(
        choices=CertificateAuthority.Usage.values,
        required=False,
        help_text="`v2g`: certificates towards vehicles, for labs.",
    )
