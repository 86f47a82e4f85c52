"""The local authorization lists of stations over REST."""

from __future__ import annotations

from functools import partial

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.views.lookups import STATION
from configuration.filters import LocalListQuery
from configuration.models import LocalList
from configuration.serializers import LocalListBody, LocalListSerializer
from configuration.services.local_list import shown as local_lists
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.operations import List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.api.views import body

_described_list = partial(described, tag="Local lists", path=STATION.path)


class LocalListOfStationViewSet(ResourceViewSet):
    """The local authorization list of one station. POST .../sync-local-list updates it."""

    tag, noun = "Local lists", "station"
    lookup = STATION

    @_described_list(
        "Get the state of a station's local list",
        enveloped("LocalList", LocalListSerializer),
        description="Whether the station has the tokens that may charge there when it is offline, which "
        "version it has, and why an update failed.",
    )
    @action(detail=True, url_path="local-list")
    def local_list(self, request: Request, **path: str) -> Response:
        return _shown(local_lists.of(self.find()))

    @_described_list(
        "Switch the automatic updates of a station's local list on or off",
        enveloped("LocalList", LocalListSerializer),
        body=LocalListBody,
        changes=True,
        description="While they are on, a change of a token or of an access rule updates the list at the "
        "station.",
    )
    @local_list.mapping.patch
    def change_local_list(self, request: Request, **path: str) -> Response:
        return _shown(local_lists.change(self.find(), **body(LocalListBody, request)))


class LocalListViewSet(ResourceViewSet):
    tag, noun = "Local lists", "local list"
    key = "localLists"
    has_etag = False
    component = "LocalListRow"
    queryset = LocalList.objects.select_related("charge_point").order_by("pk")
    serializer_class = LocalListSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
    }
    operations = (List(LocalListQuery, summary="List the local lists of all stations"),)


def _shown(row: LocalList) -> Response:
    share = f", with {row.share} tokens" if row.share else ""
    reason = f" ({row.reason.removesuffix('.')})" if row.reason else ""
    sentence = f"The local list of {row.charge_point}: {row.state.replace('_', ' ')}{reason}{share}."
    return answer(sentence, dict(LocalListSerializer(row).data))
