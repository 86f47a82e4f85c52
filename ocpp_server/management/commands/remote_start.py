"""Start charging remotely and wait for the transaction (1.6 5.11, 2.x F01, F02)."""

from typing import Any

from ocpp_server.management.aliases import CONNECTOR, STATION, Alias
from ocpp_server.management.station_command import number_of

# Most stations have a ConnectionTimeOut of 60 s: after it, the driver has plugged in or the start has failed.
DEFAULT_WAIT_S = 60.0
# Together with the longest timeout it must stay within the life of the command's API key.
MAX_WAIT_S = 150.0


class Command(Alias):
    help = "Ask a station to start charging for a token, and wait for the transaction."
    path = "/api/v1/transactions/remote-start"
    arguments = (
        STATION,
        ("idTag", {"metavar": "token", "help": "idTag (1.6) or idToken (2.x)"}),
        CONNECTOR,
        ("--force", {"action": "store_true", "help": "start even if the token is not authorized there"}),
        (
            "--wait",
            {
                "type": number_of("seconds", 0, MAX_WAIT_S),
                "default": DEFAULT_WAIT_S,
                "help": "seconds to wait for the transaction; 0: do not wait (default %(default)g)",
            },
        ),
    )

    def body(self, options: dict[str, Any]) -> dict[str, Any]:
        self.wait_s = options["wait"]
        return super().body({**options, "wait": None})
