"""Stations over REST: list, detail, status, provisioning."""

from __future__ import annotations

from functools import partial
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.filters import ChargePointQuery
from chargepoints.models import ChargePoint
from chargepoints.serializers import (
    ChargePointDetailSerializer,
    ChargePointSerializer,
    ChargePointStatusSerializer,
    ConnectorSerializer,
    NewChargePointSerializer,
    ProvisioningSerializer,
    station_status,
)
from chargepoints.services.provisioning import stations
from chargepoints.views.lookups import STATION_PATH, connectors, number, site, station
from ocpp_server.api import extensions
from ocpp_server.api.documents import NUMBER, described, enveloped, listed
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import rfc3339
from ocpp_server.api.lists import page
from ocpp_server.api.views import ApiView, body
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid, Missing

TAG = "Charge points"
_ONE = enveloped("ChargePoint", ChargePointDetailSerializer)


def _settings(kind: type[ProvisioningSerializer], request: Request) -> dict[str, Any]:
    """The body, with the site loaded by its number. Raises Invalid."""
    given = body(kind, request)
    if given.get("site") is not None:
        try:
            given["site"] = site(str(given["site"]))
        except Missing as missing:
            raise Invalid(missing.sentence, field="siteId") from None
    return given


class ChargePointsView(ApiView):
    write_role = Role.ADMINISTRATOR

    @described(
        "List stations, online and offline",
        listed("ChargePoints", "chargePoints", ChargePointSerializer),
        tag=TAG,
        query=ChargePointQuery,
        also=(400,),
    )
    def get(self, request: Request) -> Response:
        return page(
            request,
            kind=ChargePointQuery,
            rows=ChargePoint.objects.all(),
            name="chargePoints",
            noun="charge points",
            shape=ChargePointSerializer,
            prepare=partial(extensions.attach, "chargePoints"),
        )

    @described(
        "Add a station before it connects",
        _ONE,
        tag=TAG,
        status=201,
        body=NewChargePointSerializer,
        changes=True,
        also=(400,),
    )
    def post(self, request: Request) -> Response:
        charge_point = stations.create(**_settings(NewChargePointSerializer, request))
        return answer(
            f"Station {charge_point.identity} added. It can connect now.", _detail(charge_point), status=201
        )


class ChargePointView(ApiView):
    write_role = Role.ADMINISTRATOR

    @described("Get a station with its connectors", _ONE, tag=TAG, path=STATION_PATH)
    def get(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        return answer(f"{charge_point.identity} is {_presence(charge_point)}.", _detail(charge_point))

    @described(
        "Change a station: registration, password, security profile, validation, name",
        _ONE,
        tag=TAG,
        path=STATION_PATH,
        body=ProvisioningSerializer,
        changes=True,
        also=(400,),
    )
    def patch(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        changes = _settings(ProvisioningSerializer, request)
        if changes:
            stations.update(charge_point, **changes)
        return answer(f"Station {charge_point.identity} changed.", _detail(charge_point))

    @described(
        "Delete a station without sessions",
        enveloped("Removed", {"clientId": serializers.CharField()}),
        tag=TAG,
        path=STATION_PATH,
        changes=True,
        description="A station with transactions is refused with 409: they must be kept.",
    )
    def delete(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        stations.delete(charge_point)
        return answer(f"Station {charge_point.identity} deleted.", {"clientId": charge_point.identity})


class StatusView(ApiView):
    @described(
        "Get the status of a station and its connectors",
        enveloped("ChargePointStatus", ChargePointStatusSerializer),
        tag=TAG,
        path=STATION_PATH,
    )
    def get(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        data = {
            "clientId": charge_point.identity,
            "online": charge_point.is_online,
            "isOnline": charge_point.is_online,
            "lastSeen": rfc3339(charge_point.last_seen_at),
            "status": station_status(charge_point),
            "connectors": _connectors(charge_point),
        }
        return answer(f"{charge_point.identity} is {_presence(charge_point)}.", data)


class ConnectorsView(ApiView):
    @described(
        "List the connectors of a station",
        enveloped(
            "Connectors", {"connectors": ConnectorSerializer(many=True), "count": serializers.IntegerField()}
        ),
        tag=TAG,
        path=STATION_PATH,
    )
    def get(self, request: Request, client_id: str) -> Response:
        charge_point = station(client_id)
        shown = _connectors(charge_point)
        sentence = f"{charge_point.identity} has reported {len(shown)} connectors."
        return answer(sentence, {"connectors": shown, "count": len(shown)})


class ConnectorView(ApiView):
    @described(
        "Get a connector",
        enveloped("Connector", ConnectorSerializer),
        tag=TAG,
        path=STATION_PATH | {"connector_id": (NUMBER, "1.6: the connectorId; 2.x: the EVSE's id.")},
        also=(400,),
    )
    def get(self, request: Request, client_id: str, connector_id: str) -> Response:
        charge_point = station(client_id)
        wanted = number(connector_id, "connectorId")
        shown = next((item for item in _connectors(charge_point) if item["evseId"] == wanted), None)
        if shown is None:
            raise Missing(f"{charge_point.identity} has not reported a connector {wanted}.")
        return answer(f"Connector {wanted} of {charge_point.identity} is {shown['status']}.", shown)


def _presence(charge_point: ChargePoint) -> str:
    return "online" if charge_point.is_online else "offline"


def _connectors(charge_point: ChargePoint) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = list(ConnectorSerializer(connectors(charge_point), many=True).data)
    return shown


def _detail(charge_point: ChargePoint) -> dict[str, Any]:
    extensions.attach("chargePoints", [charge_point])
    context = {"connectors": connectors(charge_point)}
    shown: dict[str, Any] = ChargePointDetailSerializer(charge_point, context=context).data
    return shown
