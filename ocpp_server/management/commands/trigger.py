"""Ask a station to send a message now (1.6 5.17, 2.x F06)."""

from ocpp_server.management.aliases import CONNECTOR, STATION, Alias


class Command(Alias):
    help = "Ask a station to send a message now, such as StatusNotification or MeterValues."
    path = "trigger"
    arguments = (
        STATION,
        (
            "requestedMessage",
            {"metavar": "message", "help": "the message to send; a wrong name lists the right ones"},
        ),
        CONNECTOR,
    )
