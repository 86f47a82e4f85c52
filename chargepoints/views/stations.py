"""Stations over REST: list, detail, status, connectors, provisioning."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from chargepoints.filters import ChargePointQuery
from chargepoints.models import ChargePoint, Connector
from chargepoints.serializers import (
    ChargePointDetailSerializer,
    ChargePointSerializer,
    ChargePointStatusSerializer,
    ConnectorSerializer,
    NewChargePointSerializer,
    ProvisioningSerializer,
    RemovedSerializer,
)
from chargepoints.services.provisioning import stations
from chargepoints.views import commanding
from chargepoints.views.lookups import STATION, named_site, number
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import All, Change, Create, Delete, Get, List, Part
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.domain import Missing
from ocpp_server.rights import Right, allows, role_for

TAG = "Charge points"
_PRESENCE = "{row} is {row.presence}."


class ChargePointViewSet(ResourceViewSet):
    """The stations, with an action for each declared command.

    A connection changes a station without a request, so a station has no ETag.
    """

    tag, noun, nouns = TAG, "station", "charge points"
    key, component = "chargePoints", "ChargePoint"
    has_etag = False
    write_role = role_for(Right.STATIONS)
    queryset = ChargePoint.objects.with_statuses().prefetch_related("tags").order_by("identity_key", "pk")
    serializer_class = ChargePointDetailSerializer
    deletions = ChargePoint
    expansions = {
        "site": Expansion("site", "chargepoints.views.sites.SiteViewSet"),
    }
    lookup = STATION
    operations = (
        List(ChargePointQuery, ChargePointSerializer, summary="List stations, online and offline"),
        Get(summary="Get a station with its connectors", sentence=_PRESENCE),
        Part(
            "status",
            ChargePointStatusSerializer,
            summary="Get the status of a station and its connectors",
            description="Whether it is online now, when it was last seen, and the status of each connector "
            "as last reported. It is the small answer for a page that asks often.",
            sentence=_PRESENCE,
        ),
        Create(
            NewChargePointSerializer,
            stations.create,
            summary="Add a station before it connects",
            sentence="Station {row} added. It can connect now.",
            description="unknownTokens needs the role administrator.",
        ),
        Change(
            ProvisioningSerializer,
            stations.update,
            passes_actor=True,
            summary="Change a station: registration, password, security profile, validation, name",
            description="password, securityProfile, checksUsername and unknownTokens need the role "
            "administrator.",
        ),
        Delete(
            stations.delete,
            RemovedSerializer,
            passes_actor=True,
            role=role_for(Right.DELETION),
            summary="Delete a station without sessions",
            description="A station with transactions is refused with 409: they must be kept.",
        ),
        *commanding.operations(),
    )

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        self._require_access(given)
        if given.get("site") is not None:
            given["site"] = named_site(given["site"])
        return given

    def _require_access(self, given: dict[str, Any]) -> None:
        """Refuse settings that decide who may connect and charge, unless the role may change them."""
        reserved = stations.reserved(given, is_new=self.action == "create")
        if reserved and not allows(self.request.user, Right.STATION_ACCESS):
            needed = role_for(Right.STATION_ACCESS)
            raise PermissionDenied(f"{' and '.join(reserved)}: only the role {needed} may set this.")


class ConnectorViewSet(ResourceViewSet):
    tag, noun = TAG, "connector"
    has_etag = False
    serializer_class = ConnectorSerializer
    parent = STATION
    lookup = Lookup("connector_id", "1.6: the connectorId; 2.x: the EVSE's id.")
    operations = (
        All(summary="List the connectors of a station", sentence="{parent} has reported {count} connectors."),
        Get(
            sentence=lambda row: (
                f"Connector {row.evse.number} of {row.charge_point} is {row.status or 'Unknown'}."
            )
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Connector] = self.parent_row().connectors.select_related("evse")
        return rows

    def find(self, *, lock: bool = False) -> Connector:
        charge_point = self.parent_row()
        wanted = number(self.kwargs[self.lookup.name], "connectorId")
        found: Connector | None = self.get_queryset().filter(evse__number=wanted).first()
        if found is None:
            raise Missing(f"{charge_point} has not reported a connector {wanted}.")
        return found
