"""Start charging remotely and wait for the transaction (1.6 5.11, 2.x F01, F02)."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from ocpp_server.management.station_command import StationCommand, connector_number

# Most stations have a ConnectionTimeOut of 60 s: after it, the driver has plugged in or the start has failed.
DEFAULT_WAIT_S = 60.0
# Together with the longest timeout it must stay within the life of the command's API key.
MAX_WAIT_S = 150.0


def wait_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_S:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {MAX_WAIT_S:g}")
    return seconds


class Command(StationCommand):
    help = "Ask a station to start charging for a token, and wait for the transaction."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("station", help="identity of the station")
        parser.add_argument("token", help="idTag (1.6) or idToken (2.x)")
        parser.add_argument("--connector", type=connector_number, help="connector (1.6) or EVSE (2.x)")
        parser.add_argument(
            "--force", action="store_true", help="start even if the token is not authorized there"
        )
        parser.add_argument(
            "--wait",
            type=wait_seconds,
            default=DEFAULT_WAIT_S,
            help="seconds to wait for the transaction; 0: do not wait (default %(default)g)",
        )
        super().add_arguments(parser)

    def request(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self.wait_s = options["wait"]
        body = {"clientId": options["station"], "idTag": options["token"]}
        if options["force"]:
            body["force"] = True
        if options["connector"] is not None:
            body["connectorId"] = options["connector"]
        return "/api/v1/transactions/remote-start", body
