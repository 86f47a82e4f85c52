"""Send any command of the station's OCPP version."""

import json
from argparse import ArgumentParser
from typing import Any

from ocpp_server.management.api import station_path
from ocpp_server.management.station_command import StationCommand


class Command(StationCommand):
    help = 'Send any command of the station\'s OCPP version, such as: send CP-1 Reset \'{"type": "Soft"}\'.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("station", help="identity of the station")
        parser.add_argument("action", help="OCPP action, such as Reset")
        parser.add_argument(
            "payload", nargs="?", default="{}", help="its payload as JSON (default %(default)s)"
        )
        super().add_arguments(parser)

    def request(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        try:
            payload = json.loads(options["payload"])
        except ValueError as error:
            raise ValueError(f"The payload is not JSON: {error}.") from None
        if not isinstance(payload, dict):
            raise ValueError('The payload must be a JSON object, such as {"type": "Soft"}.')
        body = {"action": options["action"], "payload": payload}
        return f"{station_path(options['station'])}/commands", body
