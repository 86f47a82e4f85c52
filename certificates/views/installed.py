"""The certificates of a station over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from certificates.filters import InstalledCertificateQuery
from certificates.serializers.installed import InstalledCertificateSerializer
from chargepoints.views.lookups import STATION
from ocpp_server.api.operations import List
from ocpp_server.api.resources import ResourceViewSet


class InstalledCertificateViewSet(ResourceViewSet):
    """Read only: the commands install-certificate and delete-certificate change what a station has."""

    tag, noun = "Certificates", "installed certificate"
    key, component = "certificates", "InstalledCertificate"
    has_etag = False
    serializer_class = InstalledCertificateSerializer
    parent = STATION
    operations = (
        List(
            InstalledCertificateQuery,
            summary="List the certificates of a station, newest first",
            description="What the station has now: `isCurrent=true`. The server asks for the list of the "
            "station after each accepted installation and deletion; get-installed-certificate-ids asks now.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().installed_certificates.order_by("-pk")
        return rows
