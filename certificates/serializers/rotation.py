"""The plan for a new CSMS root over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from certificates.models import TrustRoot
from certificates.services.certificates import rotation
from ocpp_server.api.fields import ReadSerializer, TimeField


class UnknowingStationSerializer(ReadSerializer):
    clientId = serializers.CharField(source="charge_point.identity")
    isOnline = serializers.BooleanField(source="charge_point.is_online")
    hasListed = serializers.BooleanField(
        source="has_listed", help_text="Whether the station has ever listed its CSMS roots."
    )
    needsCrossSigned = serializers.BooleanField(
        source="needs_cross_signed",
        help_text="It has reported AdditionalRootCertificateCheck: it takes only a root that the present one "
        "has signed.",
    )


class OtherRootSerializer(ReadSerializer):
    rootId = serializers.IntegerField(source="root.pk")
    name = serializers.CharField(source="root.name")
    notAfter = TimeField(source="root.not_after")
    stations = serializers.IntegerField(help_text="The stations that know it.")


class RotationSerializer(ReadSerializer):
    """The plan of a root, from its row."""

    rootId = serializers.IntegerField(source="root.pk")
    stations = serializers.IntegerField(help_text="The stations that check the certificate of this server.")
    known = serializers.IntegerField(help_text="Those of them that know the root.")
    isReady = serializers.BooleanField(
        source="is_ready", help_text="Whether this server may use a certificate below the root."
    )
    steps: Any = serializers.ListField(child=serializers.CharField(), help_text="The next step first.")
    lacking: Any = UnknowingStationSerializer(
        many=True, help_text=f"The stations that do not know the root, at most {rotation.MOST_NAMED}."
    )
    otherRoots: Any = OtherRootSerializer(source="others", many=True)

    def to_representation(self, instance: TrustRoot) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(rotation.plan(instance))
        return shown
