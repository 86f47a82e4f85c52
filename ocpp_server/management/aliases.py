"""Commands with a name and options of their own, from the time before `manage.py station`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import Any, Final

from ocpp_server.management.api import station_path
from ocpp_server.management.station_command import Request, StationCommand

Argument = tuple[str, dict[str, Any]]


def connector_number(text: str) -> int:
    """A connector (1.6) or EVSE (2.x). Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ArgumentTypeError(f"{text!r} is not a connector number; they start at 1")
    return int(text)


STATION: Final[Argument] = ("station", {"help": "identity of the station"})
CONNECTOR: Final[Argument] = (
    "--connector",
    {
        "dest": "connectorId",
        "metavar": "CONNECTOR",
        "type": connector_number,
        "help": "connector (1.6) or EVSE (2.x)",
    },
)


class Alias(StationCommand):
    """Posts its arguments, by their `dest`, to `path`. A path below /api is that of no single station, so the
    body names the station.
    """

    path = ""
    arguments: Sequence[Argument] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, options in self.arguments:
            parser.add_argument(name, **options)
        super().add_arguments(parser)

    def body(self, options: dict[str, Any]) -> dict[str, Any]:
        """The given arguments."""
        given = {how.get("dest", name.lstrip("-")) for name, how in self.arguments} - {"station"}
        return {name: options[name] for name in given if options[name] not in (None, False)}

    def requests(self, options: dict[str, Any]) -> Sequence[Request]:
        station, body = options["station"], self.body(options)
        if not self.path.startswith("/api"):
            return [Request(station, f"{station_path(station)}/{self.path}", body)]
        return [Request(station, self.path, body | ({} if station == "-" else {"clientId": station}))]
