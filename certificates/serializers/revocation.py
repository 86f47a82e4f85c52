"""Revoked certificates and revocation lists of other CAs over REST."""

from __future__ import annotations

from datetime import UTC, datetime

from rest_framework import serializers

from certificates.models import RevocationList
from certificates.models.revocation import Reason
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField

MOST_PEM = 20_000
# Characters of a list in PEM: HTTP_MAX_BODY has room for it.
MOST_CRL = 1_000_000


class RevokedCertificateSerializer(ReadSerializer):
    id = serializers.IntegerField()
    issuer = serializers.CharField(help_text="The subject of the CA that issued it.")
    serialNumber = serializers.CharField(source="serial", help_text="Hexadecimal digits.")
    subject = serializers.CharField(help_text="Empty if only the issuer and the serial number are known.")
    reason = serializers.ChoiceField(choices=Reason.values)
    note = serializers.CharField()
    createdAt = TimeField(source="created_at")


class RevokedCertificateBody(StrictSerializer):
    certificate = TextField(required=False, max_length=MOST_PEM, help_text="The certificate in PEM.")
    issuerCertificate = TextField(
        source="issuer_certificate",
        required=False,
        max_length=MOST_PEM,
        help_text="Instead of the certificate: that of its CA in PEM, with serialNumber.",
    )
    serialNumber = TextField(
        source="serial", required=False, max_length=64, help_text="Hexadecimal digits; colons are allowed."
    )
    reason = serializers.ChoiceField(choices=Reason.values, required=False)
    note = TextField(required=False, allow_blank=True, max_length=200)


class RevocationListSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    url = serializers.CharField(help_text="Empty for a list that is only uploaded.")
    issuer = serializers.CharField(help_text="The subject of the CA.")
    issuerCertificate = serializers.CharField(
        source="issuer_certificate", help_text="The CA that has signed the list, in PEM."
    )
    sha256 = serializers.CharField(help_text="The SHA-256 of the list in DER.")
    entries = serializers.IntegerField(help_text="The number of certificates on it.")
    thisUpdate = TimeField(source="this_update")
    nextUpdate = TimeField(source="next_update", allow_null=True)
    isOver = serializers.SerializerMethodField(
        help_text="Whether nextUpdate has passed. The certificates on the list are refused anyway."
    )
    fetchedAt = TimeField(source="fetched_at", allow_null=True)
    fetchError = serializers.CharField(source="fetch_error", help_text="Empty unless the last fetch failed.")
    createdAt = TimeField(source="created_at")

    def get_isOver(self, row: RevocationList) -> bool:
        return row.next_update is not None and row.next_update < datetime.now(UTC)


class RevocationListChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    url = TextField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="The address from which the server fetches the list again before it ends.",
    )
    crl = TextField(required=False, max_length=MOST_CRL, help_text="The list in PEM.")


class RevocationListBody(StrictSerializer):
    name = TextField(max_length=100)
    url = TextField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="The address from which the server fetches the list again before it ends.",
    )
    crl = TextField(max_length=MOST_CRL, help_text="The list in PEM.")
    issuerCertificate = TextField(
        source="issuer_certificate",
        required=False,
        max_length=MOST_PEM,
        help_text="The CA that has signed it, unless it is a trusted root or a CA of this server.",
    )
