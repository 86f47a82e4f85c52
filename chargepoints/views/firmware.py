"""Firmware files over REST, and the log of their downloads. The files themselves are for stations alone."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.filters import FirmwareDownloadQuery, FirmwareQuery
from chargepoints.models import FirmwareDownload, FirmwareFile
from chargepoints.serializers.firmware import (
    FirmwareBody,
    FirmwareDownloadSerializer,
    FirmwareSerializer,
    LoggedFirmwareDownloadSerializer,
)
from chargepoints.services.firmware import files
from chargepoints.views.lookups import FIRMWARE
from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import MultipartForms
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.api.views import body
from ocpp_server.rights import Right, role_for

TAG = "Firmware"


class FirmwareViewSet(ResourceViewSet):
    tag, noun = TAG, "firmware file"
    key, component = "firmware", "Firmware"
    write_role = role_for(Right.FIRMWARE)
    parser_classes = (MultiPartParser,)
    content_negotiation_class = MultipartForms
    queryset = FirmwareFile.objects.order_by("-pk")
    serializer_class = FirmwareSerializer
    deletions = FirmwareFile
    lookup = FIRMWARE
    operations = (
        List(FirmwareQuery, summary="List firmware files, newest first"),
        Get(),
        Delete(
            files.delete,
            also=(409,),
            description="With the log of its downloads. While a campaign or an update uses it: 409.",
        ),
    )

    @described(
        "Add a firmware file",
        enveloped("Firmware", FirmwareSerializer),
        tag=tag,
        status=201,
        body={"multipart/form-data": FirmwareBody},
        also=(409,),
        changes=True,
        located=True,
        description="The server hosts an uploaded file and gives each station an address of its own for it. "
        "Signature, certificate and SHA-256 are checked; nothing is stored if one is wrong. "
        "FIRMWARE_MAX_FILE bounds the file, FIRMWARE_QUOTA all of them (409).",
    )
    def create(self, request: Request) -> Response:
        given = body(FirmwareBody, request)
        file, url = given.pop("file", None), given.pop("url", "")
        facts, by = files.Facts(**given), actor(request)
        if file is None:
            row = files.add_external(facts, url=url, actor=by)
        else:
            row = files.add_hosted(facts, file=file, size=file.size, file_name=file.name, actor=by)
        return self.respond(f"Firmware file {row} added.", self.shown(row), made=row)


class FirmwareDownloadViewSet(ResourceViewSet):
    """The downloads of a firmware file. They change without a request, so a download has no ETag."""

    tag, noun = TAG, "download"
    label, component = "Download {row.pk}", "FirmwareDownload"
    has_etag = False
    serializer_class = LoggedFirmwareDownloadSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
        "campaign": Expansion("campaign", "chargepoints.views.campaigns.CampaignViewSet"),
    }
    parent = FIRMWARE
    lookup = Lookup("download_id", "The number of the download.")
    operations = (
        List(
            FirmwareDownloadQuery,
            FirmwareDownloadSerializer,
            summary="List the downloads of a firmware file, newest first",
        ),
        Get(summary="Get a download with its requests"),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows = FirmwareDownload.objects.filter(firmware=self.parent_row())
        return rows.select_related("charge_point").order_by("-pk")
