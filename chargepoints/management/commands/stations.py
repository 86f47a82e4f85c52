"""Stations: manage.py stations list | show | connectors | add | change | accept | reject | set-password |
delete. `manage.py station` sends commands to them.
"""

from typing import Final

from chargepoints.filters import ChargePointQuery
from chargepoints.models import ChargePoint
from chargepoints.serializers import NewChargePointSerializer, ProvisioningSerializer
from ocpp_server.management.resource_command import ResourceCommand
from ocpp_server.management.steps import All, Named, Rows, Send, Show

_STATIONS: Final = "/api/v1/chargepoints"
_STATION: Final = Named(metavar="STATION", help="identity of the station", path=f"{_STATIONS}/{{name}}")
_STATUS: Final = "registrationStatus"
_PASSWORD: Final = "password"  # noqa: S105 - the name of the field


class Command(ResourceCommand):
    help = "List, add and change stations. `station` sends commands to them."
    steps = (
        Rows(
            name="list",
            sentence="List stations, online and offline.",
            path=_STATIONS,
            key="chargePoints",
            query=ChargePointQuery,
            columns=(
                "clientId",
                "isOnline",
                "status",
                "registrationStatus",
                "ocppVersion",
                "vendor",
                "model",
                "lastSeen",
            ),
        ),
        Show(name="show", sentence="Show a station with its connectors.", of=_STATION),
        All(
            name="connectors",
            sentence="List the connectors of a station.",
            of=_STATION,
            path="/connectors",
            key="connectors",
            columns=("connectorId", "evseId", "status", "errorCode", "lastUpdate"),
        ),
        Send(
            name="add",
            sentence="Add a station before it connects.",
            path=_STATIONS,
            body=NewChargePointSerializer,
            positional="clientId",
            secret=_PASSWORD,
        ),
        Send(
            name="change",
            sentence="Change settings of one or more stations.",
            method="PATCH",
            of=_STATION,
            body=ProvisioningSerializer,
            without=(_PASSWORD,),
        ),
        Send(
            name="accept",
            sentence="Accept stations that are pending or rejected.",
            method="PATCH",
            of=_STATION,
            fixed={_STATUS: ChargePoint.Registration.ACCEPTED},
        ),
        Send(
            name="reject",
            sentence="Reject stations: their boot is refused.",
            method="PATCH",
            of=_STATION,
            fixed={_STATUS: ChargePoint.Registration.REJECTED},
            danger="They can't charge any more.",
        ),
        Send(
            name="set-password",
            sentence="Set the password that the server expects of a station. The station is not sent it: "
            "see station rotate-password.",
            method="PATCH",
            of=_STATION,
            secret=_PASSWORD,
            asks_secret=True,
        ),
        Send(
            name="delete",
            sentence="Delete stations without sessions.",
            method="DELETE",
            of=_STATION,
            danger="Their connectors, logs and commands are deleted, too.",
        ),
    )
