"""Ask a station to send a message now (1.6 5.17, 2.x F06)."""

from argparse import ArgumentParser
from typing import Any

from ocpp_server.management.api import station_path
from ocpp_server.management.station_command import StationCommand, connector_number


class Command(StationCommand):
    help = "Ask a station to send a message now, such as StatusNotification or MeterValues."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("station", help="identity of the station")
        parser.add_argument("message", help="the message to send; a wrong name lists the right ones")
        parser.add_argument("--connector", type=connector_number, help="connector (1.6) or EVSE (2.x)")
        super().add_arguments(parser)

    def request(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        body = {"requestedMessage": options["message"]}
        if options["connector"] is not None:
            body["connectorId"] = options["connector"]
        return f"{station_path(options['station'])}/trigger", body
