"""Firmware files and their downloads over REST."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chargepoints.models import FirmwareDownload
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField


class FirmwareBody(StrictSerializer):
    """A form with the file, or with the address of a file elsewhere."""

    name = TextField(max_length=100)
    version = TextField(max_length=255, help_text="As a station reports it in its boot after the update.")
    vendor = TextField(max_length=255, required=False, allow_blank=True, help_text="Empty for any.")
    model = TextField(max_length=255, required=False, allow_blank=True, help_text="Empty for any.")
    file = serializers.FileField(required=False, help_text="The server hosts this file.", max_length=1000)
    url = TextField(
        max_length=512,
        required=False,
        allow_blank=True,
        help_text="Instead of a file: an address of https, http, ftps, ftp or sftp. The server never reads "
        "it. A login in it is encrypted, and masked in answers.",
    )
    sha256 = TextField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="A file with another SHA-256 is refused. For an address with a signature it is required.",
    )
    signature = TextField(
        max_length=2000,
        required=False,
        allow_blank=True,
        help_text="In base64, over the whole file: RSA-PSS, RSA PKCS#1 v1.5 or ECDSA, with SHA-256.",
    )
    signingCertificate = TextField(
        source="signing_certificate",
        max_length=20_000,
        required=False,
        allow_blank=True,
        help_text="The certificate of the signature, in PEM.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == bool(attrs.get("url")):
            raise serializers.ValidationError({"file": ["Give either a file or a url."]})
        return attrs


class FirmwareSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    vendor = serializers.CharField(help_text="Empty for any vendor.")
    model = serializers.CharField(help_text="Empty for any model.")
    version = serializers.CharField(help_text="As a station reports it in its boot after the update.")
    isHosted = serializers.BooleanField(source="is_hosted", help_text="Whether this server has the file.")
    fileName = serializers.CharField(source="file_name", help_text="The end of the address for stations.")
    url = serializers.CharField(help_text="The address of a file elsewhere; secrets masked.")
    size = serializers.IntegerField(allow_null=True, help_text="In bytes.")
    sha256 = serializers.CharField()
    md5 = serializers.CharField()
    isSigned = serializers.BooleanField(source="is_signed")
    verified = serializers.BooleanField(help_text="The signature was verified when it was added.")
    signature = serializers.CharField()
    signingCertificate = serializers.CharField(source="signing_certificate")
    certificateExpiresAt = TimeField(source="certificate_expires_at", allow_null=True)
    uploadedBy = serializers.CharField(source="uploaded_by")
    createdAt = TimeField(source="created_at")


class FirmwareDownloadRequestSerializer(ReadSerializer):
    method = serializers.CharField()
    status = serializers.IntegerField()
    firstByte = serializers.IntegerField(source="first_byte", allow_null=True)
    lastByte = serializers.IntegerField(source="last_byte", allow_null=True)
    bytesSent = serializers.IntegerField(source="bytes_sent")
    address = serializers.CharField(source="client_address")
    beganAt = TimeField(source="began_at")
    finishedAt = TimeField(source="finished_at", allow_null=True, help_text="null while it is served.")


class FirmwareDownloadSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    campaignId = serializers.IntegerField(source="campaign_id", allow_null=True)
    state = serializers.ChoiceField(choices=FirmwareDownload.State.values)
    bytesSent = serializers.IntegerField(
        source="bytes_sent", help_text="More than the size if parts were sent twice."
    )
    requestCount = serializers.IntegerField(source="request_count")
    lastStatus = serializers.IntegerField(source="last_status", allow_null=True)
    address = serializers.CharField(source="client_address", help_text="Of the last client.")
    createdAt = TimeField(source="created_at")
    expiresAt = TimeField(source="expires_at", help_text="The station may use the address until then.")
    lastRequestAt = TimeField(source="last_request_at", allow_null=True)
    completedAt = TimeField(source="completed_at", allow_null=True, help_text="When all bytes were sent.")


class LoggedFirmwareDownloadSerializer(FirmwareDownloadSerializer):
    requests = FirmwareDownloadRequestSerializer(source="log", many=True, help_text="The first 200.")
