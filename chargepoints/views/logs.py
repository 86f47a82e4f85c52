"""Diagnostics and logs of stations over REST: the requests, and the files that have arrived."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from chargepoints.filters import LogQuery
from chargepoints.models import LogUpload
from chargepoints.services.diagnostics import files, log_uploads
from chargepoints.views.commanding import SentSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api import exports
from ocpp_server.api.documents import described
from ocpp_server.api.fields import ReadSerializer, TimeField
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.domain import Missing
from ocpp_server.rights import Right, role_for


class LogSerializer(ReadSerializer):
    id = serializers.IntegerField(help_text="The requestId of a GetLog, too.")
    kind = serializers.ChoiceField(choices=LogUpload.Kind.values)
    commandId = serializers.CharField(
        source="command_id",
        allow_null=True,
        help_text="The command that asked for it: the requestId from the answer to sending it.",
    )
    actor = serializers.CharField()
    state = serializers.ChoiceField(choices=LogUpload.State.values)
    status = serializers.CharField(help_text="The station's last notification, such as UploadFailure.")
    fault = serializers.CharField(help_text="Why the server has refused the last file.")
    fileName = serializers.CharField(source="file_name", help_text="As the station sent it.")
    hasFile = serializers.BooleanField(source="has_file", help_text="Whether .../file returns it.")
    size = serializers.IntegerField(allow_null=True, help_text="In bytes.")
    sha256 = serializers.CharField()
    createdAt = TimeField(source="created_at")
    expiresAt = TimeField(source="expires_at", help_text="The station may upload until then.")
    receivedAt = TimeField(source="received_at", allow_null=True)


class RequestedSerializer(SentSerializer):
    logId = serializers.IntegerField()
    fileName = serializers.CharField(help_text="The name that the station has announced, if any.")


class LogViewSet(ResourceViewSet):
    tag, noun = "Commands", "log"
    label = "Log {row.pk}"
    # A station changes a log without a request.
    has_etag = False
    write_role = role_for(Right.DELETION)
    roles = {"file": role_for(Right.LOGS)}
    serializer_class = LogSerializer
    deletions = LogUpload
    parent = STATION
    lookup = Lookup("log_id", "The number of the log.")
    operations = (
        List(LogQuery, summary="List the diagnostics and logs that were asked for, newest first"),
        Get(),
        Delete(log_uploads.delete, description="With its file."),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().log_uploads.order_by("-pk")
        return rows

    @described(
        "Download the file of a log",
        {"application/octet-stream": OpenApiTypes.BINARY},
        tag=tag,
        path={**STATION.path, **lookup.path},
        description="As the station has sent it; never unpacked.",
    )
    @action(detail=True, url_path="file")
    def file(self, request: Request, **path: str) -> StreamingHttpResponse:
        row: LogUpload = self.find()
        if not row.has_file:
            raise Missing(f"Log {row.pk} has no file.")
        try:
            parts = files.LOGS.parts(row.stored_as)
        except FileNotFoundError:
            raise Missing(f"The file of log {row.pk} is not in UPLOAD_DIR of this process.") from None
        name = f"{row.pk}-{row.file_name or row.kind}"
        return exports.attachment(request._request, parts, name=name, size=row.size or 0)
