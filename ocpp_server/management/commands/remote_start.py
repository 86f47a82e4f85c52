"""Start charging from afar, and see what comes of it (1.6 5.11, 2.x F01, F02)."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from ocpp_server.management.station_command import StationCommand, connector_number

# A driver has plugged in by then, or the station gives up: its ConnectionTimeOut is 60 s in most.
DEFAULT_PATIENCE_S = 60.0
# With the longest timeout it has to stay within the life of the command's key.
MAX_PATIENCE_S = 150.0


def patience(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_PATIENCE_S:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0 to {MAX_PATIENCE_S:g}")
    return seconds


class Command(StationCommand):
    help = "Ask a station to charge on a token, and wait for the transaction that comes of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("station", help="identity of the station")
        parser.add_argument("token", help="idTag (1.6) or idToken (2.x)")
        parser.add_argument("--connector", type=connector_number, help="connector (1.6) or EVSE (2.x)")
        parser.add_argument(
            "--force", action="store_true", help="start although the token may not charge there"
        )
        parser.add_argument(
            "--wait",
            type=patience,
            default=DEFAULT_PATIENCE_S,
            help="seconds to wait for the transaction, 0 for not at all (default %(default)g)",
        )
        super().add_arguments(parser)

    def request(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self.patience = options["wait"]
        body = {"clientId": options["station"], "idTag": options["token"]}
        if options["force"]:
            body["force"] = True
        if options["connector"] is not None:
            body["connectorId"] = options["connector"]
        return "/api/v1/transactions/remote-start", body
