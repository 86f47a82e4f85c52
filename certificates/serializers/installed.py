"""The certificates of stations over REST, with the field names of OCPP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from certificates.models import InstalledCertificate
from chargepoints.views.commanding import SentSerializer
from ocpp_server.api.fields import ReadSerializer, TimeField

_HASH_DATA = "CertificateHashDataType, as the station spells it"


class ListedSerializer(SentSerializer):
    requestIds = serializers.ListField(
        child=serializers.CharField(), help_text="All requests; 1.6 lists one type at a time."
    )


class DeletedSerializer(SentSerializer):
    certificateId = serializers.IntegerField(help_text="The certificate in .../certificates.")


class InstalledCertificateSerializer(ReadSerializer):
    id = serializers.IntegerField(help_text="The number by which delete-certificate names it.")
    certificateType = serializers.ChoiceField(
        source="type", choices=InstalledCertificate.Type.values, help_text="By its 2.x name."
    )
    state = serializers.ChoiceField(
        choices=InstalledCertificate.State.values,
        help_text="accepted: the station has accepted it, and its list does not have it yet. refused: the "
        "station has rejected it, or failed to store it. missing: the list of the station has it no more.",
    )
    isCurrent = serializers.BooleanField(
        source="is_current", help_text="Whether the station has it, as far as its answers show."
    )
    reason = serializers.CharField(
        help_text="The answer of the station to the last installation or deletion that it did not do."
    )
    certificateHashData: Any = serializers.DictField(
        source="reported", allow_null=True, help_text=f"{_HASH_DATA}; null before its first report."
    )
    childCertificateHashData: Any = serializers.ListField(
        source="children", help_text="The CAs below a V2GCertificateChain, in the order of the station."
    )
    isKnown = serializers.BooleanField(
        source="is_known", help_text="Whether this server has the certificate with these hashes."
    )
    rootId = serializers.IntegerField(
        source="root_id", allow_null=True, help_text="The trusted root that it is."
    )
    isCrossSigned = serializers.BooleanField(
        source="is_cross_signed", help_text="Whether it is the cross-signed form of the root."
    )
    issuedCertificateId = serializers.IntegerField(
        source="issued_id", allow_null=True, help_text="The certificate of a CA of this server that it is."
    )
    subject = serializers.CharField(help_text="Empty for one that this server does not know.")
    sha256 = serializers.CharField(help_text="Empty for one that this server does not know.")
    notAfter = TimeField(source="not_after", allow_null=True)
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command that brought it."
    )
    since = TimeField(help_text="When the station accepted it, or first reported it.")
    reportedAt = TimeField(
        source="reported_at", allow_null=True, help_text="When the station last reported it."
    )
    endedAt = TimeField(source="ended_at", allow_null=True)
