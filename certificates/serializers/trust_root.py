"""Trusted roots over REST."""

from __future__ import annotations

from rest_framework import serializers

from certificates.models import TrustRoot
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)

MOST_PEM = 20_000


class TrustRootSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(
        choices=TrustRoot.Kind.values,
        help_text="csms: stations check this server by it, and this server checks stations. manufacturer: "
        "factory certificates and signatures of firmware. v2g, mo, oem: vehicles (ISO 15118).",
    )
    isEnabled = serializers.BooleanField(
        source="is_enabled", help_text="Whether this server trusts it, and stations may get it."
    )
    origin = serializers.ChoiceField(source="source", choices=TrustRoot.Source.values)
    subject = serializers.CharField()
    sha256 = serializers.CharField(help_text="The SHA-256 of the certificate in DER.")
    certificate = serializers.CharField(help_text="PEM.")
    crossSignedCertificate = serializers.CharField(
        source="cross_signed",
        help_text="PEM: the same root, signed by another one, for stations that check additional roots. "
        "Empty if there is none.",
    )
    crossSignedById = serializers.IntegerField(
        source="cross_signed_by_id",
        allow_null=True,
        help_text="The root that has signed this form, or is to sign it while there is none yet.",
    )
    notBefore = TimeField(source="not_before")
    notAfter = TimeField(source="not_after")
    createdAt = TimeField(source="created_at")


class TrustRootBody(StrictSerializer):
    kind = serializers.ChoiceField(choices=TrustRoot.Kind.values)
    certificate = TextField(max_length=MOST_PEM, help_text="One certificate in PEM.")
    name = TextField(
        required=False,
        allow_blank=True,
        max_length=100,
        help_text="The name in the certificate unless given.",
    )
    isEnabled = FlagField(required=False, source="is_enabled")


class TrustRootChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    isEnabled = FlagField(required=False, source="is_enabled")
    crossSignedCertificate = TextField(
        required=False,
        allow_blank=True,
        source="cross_signed",
        max_length=MOST_PEM,
        help_text="The form of this root that another CSMS root has signed; empty to remove it.",
    )
    crossSignedById = WholeField(
        required=False,
        source="cross_signed_by_id",
        min_value=1,
        help_text="For two roots of this server's CAs: the signer makes the cross-signed form with this one.",
    )
