"""Virtual stations over REST: create, plug, tap, unplug, fail the next command, delete."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Act, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.views import body
from ocpp_server.domain import Missing
from ocpp_server.error_codes import Code
from ocpp_server.rights import Right, role_for
from sandbox.filters import VirtualStationQuery
from sandbox.models import VirtualStation
from sandbox.serializers import (
    ConnectorBody,
    FailNextBody,
    TapBody,
    VirtualStationBody,
    VirtualStationSerializer,
)
from sandbox.services import stations, steps
from transactions.models import Transaction


def virtual_station(identity: str, *, lock: bool = False) -> VirtualStation:
    """The virtual station of this identity. Raises Missing."""
    rows = VirtualStation.objects.select_related("charge_point")
    # PostgreSQL refuses a query for text with NUL.
    found = rows.filter(charge_point__identity_key=identity.replace("\0", "\ufffd").casefold()).first()
    if found is None:
        raise Missing(f"Unknown virtual station {identity!r}.", code=Code.UNKNOWN_STATION)
    return found


@dataclass(frozen=True)
class StepOf(Act):
    """A step, whose end the request waits for: in a transaction, the running station would not see it."""

    def run(self, view: ResourceViewSet, request: Request) -> Response:
        row = self.service(view.find(), **body(self.body, request))
        return view.respond(self.worded(view, row), view.shown(row))


class VirtualStationViewSet(ResourceViewSet):
    """The virtual stations. They change without a request, so they have no ETag."""

    tag, noun, component = "Sandbox", "virtual station", "VirtualStation"
    nouns, key, label = "virtual stations", "stations", "{row}"
    has_etag = False
    write_role = role_for(Right.SANDBOX)
    queryset = VirtualStation.objects.select_related("charge_point").order_by("-pk")
    serializer_class = VirtualStationSerializer
    lookup = Lookup(
        "client_id",
        "The identity of the virtual station.",
        {"type": "string", "minLength": 1, "maxLength": 255},
        find=virtual_station,
        key="identity",
        is_of_sites=True,
    )
    operations = (
        List(VirtualStationQuery, summary="List the virtual stations, newest first"),
        Get(),
        Create(
            VirtualStationBody,
            stations.create,
            also=(409, 422),
            description="It belongs to the site Sandbox, and connects by itself within a second. A step that "
            "is requested earlier waits for the connection. It is deleted with its sessions when it was not "
            "used for a day, unless the server has another SANDBOX_IDLE.",
        ),
        Delete(
            stations.end,
            description="Ends its sessions, and deletes it with its sessions, commands and messages. Their "
            "events stay.",
        ),
        StepOf(
            "plug",
            steps.plug,
            ConnectorBody,
            summary="Plug a cable into a virtual station",
            sentence="Cable plugged into {row}.",
            also=(409, 422),
            description="The answer comes when the server has got the status of the connector. A session "
            "that waits for its cable begins.",
        ),
        StepOf(
            "tap",
            steps.tap,
            TapBody,
            summary="Tap a token at a virtual station",
            sentence="Token tapped at {row}.",
            also=(409, 422),
            description="Starts a session, or ends the one that this token has started. `tokenStatus` of the "
            "connector is the verdict of the server, `transactionId` the session. Without a cable the "
            "session waits for it for a minute.",
        ),
        StepOf(
            "unplug",
            steps.unplug,
            ConnectorBody,
            summary="Unplug the cable of a virtual station",
            sentence="Cable unplugged from {row}.",
            also=(409, 422),
            description="Ends the session. The answer comes when the server has got its last message.",
        ),
        StepOf(
            "fail-next",
            steps.fail_next,
            FailNextBody,
            summary="Let a virtual station fail its next command",
            sentence="{row} will fail a command.",
            also=(409, 422),
            description="Each request lets one command fail, in the order of the requests.",
        ),
    )

    def prepare(self, rows: list[VirtualStation]) -> dict[tuple[int, str], int]:
        """The numbers of the last sessions, by charge point and the station's id."""
        wanted = {
            (row.charge_point_id, str(one["session"]["transactionId"]))
            for row in rows
            for one in row.state.get("connectors", ())
            if one["session"] and one["session"]["transactionId"]
        }
        found = Transaction.objects.filter(
            charge_point__in={pk for pk, _ in wanted},
            ocpp_id__in={ocpp_id for _, ocpp_id in wanted},
        ).order_by("generation")
        return {
            (pk, ocpp_id): number
            for pk, ocpp_id, number in found.values_list("charge_point", "ocpp_id", "pk")
        }
