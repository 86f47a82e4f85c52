"""Stop charging remotely (1.6 5.12, 2.x F03)."""

from ocpp_server.management.aliases import Alias


class Command(Alias):
    help = "Ask a station to end a transaction."
    path = "/api/v1/transactions/remote-stop"
    arguments = (
        ("station", {"help": "identity of the station; - finds it by the transaction"}),
        (
            "transactionId",
            {"metavar": "transaction", "help": "transaction number, or the station's own id (2.x)"},
        ),
    )
