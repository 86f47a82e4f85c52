"""Send any declared command to one or more stations: manage.py station reset CP-7 CP-8 --type Hard."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocpp_server import commanding
from ocpp_server.management import arguments
from ocpp_server.management.api import Api, station_path
from ocpp_server.management.station_command import EXIT_CODES, Request, StationCommand
from ocpp_server.protocol.versions import VERSIONS, Version

MOST_STATIONS = 500


@dataclass
class _Addressed:
    """A station, as far as the danger of a command depends on it."""

    identity: str
    ocpp_version: str
    pk: int = 0
    registration_status: str = ""
    security_profile: int = 0
    next_security_profile: int | None = None


class Command(StationCommand):
    help = "Send a command to one or more stations. Each command has its own --help."

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = parser.add_subparsers(dest="declared", required=True, metavar="COMMAND", title="commands")
        for command in commanding.commands():
            sentence = str(command.sentence).replace("%", "%%")
            one = names.add_parser(command.name, help=sentence, description=sentence, epilog=EXIT_CODES)
            one.add_argument("stations", nargs="+", metavar="STATION", help="identity of a station")
            arguments.add_fields(one, command)
            super().add_arguments(one)
            one.add_argument("--no-wait", action="store_true", help="do not wait for the stations' answers")
            one.add_argument("--yes", action="store_true", help="confirm a dangerous command")

    def requests(self, options: dict[str, Any]) -> Sequence[Request]:
        command, stations = commanding.find(options["declared"]), dict.fromkeys(options["stations"])
        assert command is not None  # argparse has checked it
        if len(stations) > MOST_STATIONS:
            raise ValueError(f"At most {MOST_STATIONS} stations are allowed.")
        self.role = command.role
        self.command, self.given = command, arguments.given(command, options)
        names = {field.argument: field.name for field in command.fields}
        body = {names[argument]: value for argument, value in self.given.items()}
        end = command.path + ("?wait=false" if options["no_wait"] else "")
        return [Request(one, f"{station_path(one)}/{end}", body) for one in stations]

    def confirm(self, api: Api, options: dict[str, Any]) -> None:
        if options["yes"] or not self.command.danger:
            return
        labels = {version.label: version for version in VERSIONS}
        answers = {one: api.get(station_path(one)).data for one in dict.fromkeys(options["stations"])}
        known = {one: labels.get(data.get("ocppVersion", "")) for one, data in answers.items()}
        # A station without a version is unknown or has never connected: it is refused for that.
        self.ask({one: version for one, version in known.items() if version})

    def ask(self, versions: Mapping[str, Version]) -> None:
        """Ask on the terminal if the command is dangerous for these stations. Raises ValueError for a no."""
        dangers: dict[str, list[str]] = {}
        for identity, version in versions.items():
            danger = self.command.confirmation(_Addressed(identity, version), self.given)
            dangers.setdefault(danger, []).append(identity)
        dangers.pop("", None)
        for danger, identities in dangers.items():
            self.stderr.write(f"{', '.join(identities)}: {danger}")
        if not dangers:
            return
        if not sys.stdin.isatty():
            raise ValueError("Not sent. Give --yes to confirm it.")
        self.stderr.write(f"Send {self.command.name}? [y/N]", ending=" ")
        self.stderr.flush()
        if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
            raise ValueError("Not sent.")
