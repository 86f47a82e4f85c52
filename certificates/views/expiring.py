"""The end of every certificate over REST."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from certificates.filters import ExpiringQuery
from certificates.serializers.expiring import ExpiringListSerializer
from certificates.services.certificates import expiry
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView


class ExpiringView(ApiView):
    is_of_sites = False

    @described(
        "List the certificates that this server knows, the first to end first",
        enveloped("ExpiringCertificates", ExpiringListSerializer),
        tag="Certificates",
        query=ExpiringQuery,
        also=(400,),
        description="CAs, trusted roots, issued certificates, and those that stations have and that are none "
        f"of these. At most the first {expiry.MOST} are listed; `total` counts all. Certificates that ended "
        f"more than {expiry.ENDED_SHOWN.days} days ago are left out.",
    )
    def get(self, request: Request) -> Response:
        asked = query(ExpiringQuery, request).validated_data
        kinds = (asked["kind"],) if "kind" in asked else tuple(expiry.Kind)
        found, total = expiry.listed(before=asked.get("expiresBefore"), kinds=kinds)
        data = ExpiringListSerializer({"certificates": found, "count": len(found), "total": total}).data
        return answer(f"{len(found)} of {total} certificates.", dict(data))
