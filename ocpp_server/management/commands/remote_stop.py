"""Stop charging remotely (1.6 5.12, 2.x F03)."""

from argparse import ArgumentParser
from typing import Any

from ocpp_server.management.station_command import StationCommand


class Command(StationCommand):
    help = "Ask a station to end a transaction."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("station", help="identity of the station; - finds it by the transaction")
        parser.add_argument("transaction", help="transaction number, or the station's own id (2.x)")
        super().add_arguments(parser)

    def request(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        body = {"transactionId": options["transaction"]}
        if options["station"] != "-":
            body["clientId"] = options["station"]
        return "/api/v1/transactions/remote-stop", body
