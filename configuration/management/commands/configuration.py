"""A station's configuration: manage.py configuration get | set | live | set-live | reported | drift."""

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.conf import settings

from configuration.filters import ReportedQuery
from ocpp_server.management.api import GRACE_S, Api
from ocpp_server.management.resource_command import ResourceCommand
from ocpp_server.management.station_command import MAX_TIMEOUT_S, number_of
from ocpp_server.management.steps import Named, Refused, Row, Rows, Step, UnknownNames, accepted

_PATH: Final = "/api/v1/chargepoints/{name}"
_STATION: Final = Named(metavar="STATION", help="identity of the station", path=_PATH)


def _add_timeout(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=number_of("seconds", 1, MAX_TIMEOUT_S),
        help=f"seconds to wait for the station's answer (default {settings.OCPP_CALL_TIMEOUT:g})",
    )


def _seconds(options: dict[str, Any]) -> float:
    """How long the command waits for the server."""
    return float(options.get("timeout") or settings.OCPP_CALL_TIMEOUT) + GRACE_S


@dataclass(frozen=True, kw_only=True)
class Keys(Step):
    """Keys with their values. `is_live`: the station is asked."""

    path: str
    is_live: bool = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        _STATION.add_arguments(parser)
        parser.add_argument(
            "keys", nargs="*", metavar="KEY", help="a 1.6 key, or Component.Variable; all unless given"
        )
        if self.is_live:
            _add_timeout(parser)

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        name, asked = options["name"], {"keys": ",".join(options["keys"])} if options["keys"] else {}
        if options.get("timeout"):
            asked["timeout"] = f"{options['timeout']:g}"
        path = f"{_PATH.format(name=quote(name, safe=''))}{self.path}"
        answer = accepted(api.get(f"{path}?{urlencode(asked)}" if asked else path, timeout=_seconds(options)))
        for key, entry in answer.data.get("configuration", {}).items():
            yield Row({"clientId": answer.data.get("clientId", name), "key": key, **entry})
        if "configuration" not in answer.data:
            yield Row(answer.data, answer.message)  # the station sends a report later
        if unknown := answer.data.get("unknownKeys"):
            raise UnknownNames(f"{name} has no key {', '.join(unknown)}.")


@dataclass(frozen=True, kw_only=True)
class Change(Step):
    """One key. `is_live`: the station is asked to change it."""

    path: str
    is_live: bool = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        _STATION.add_arguments(parser)
        parser.add_argument("key", metavar="KEY", help="a 1.6 key, or Component.Variable")
        parser.add_argument("value", metavar="VALUE", help="its new value; '' is a value, too")
        if self.is_live:
            _add_timeout(parser)

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        path = f"{_PATH.format(name=quote(options['name'], safe=''))}{self.path}"
        body = {"key": options["key"], "value": options["value"]}
        if options.get("timeout"):
            body["timeout"] = options["timeout"]
        answer = accepted(api.send("PUT", path, body, timeout=_seconds(options)))
        yield Row(answer.data, answer.message)


class Command(ResourceCommand):
    help = "Read and change the configuration of a station: what the server stores, and the station's own."
    steps = (
        Keys(
            name="get",
            sentence="Show the values that the server stores for a station. It is not asked.",
            path="/configuration",
            columns=("key", "value", "readonly"),
        ),
        Change(
            name="set",
            sentence="Change a stored value without asking the station.",
            path="/configuration",
            shown=(),
        ),
        Keys(
            name="live",
            sentence="Ask a station for its values: GetConfiguration (1.6) or GetVariables (2.x).",
            path="/configuration/live",
            is_live=True,
            columns=("key", "value", "readonly"),
        ),
        Change(
            name="set-live",
            sentence="Change a value of a station: ChangeConfiguration (1.6) or SetVariables (2.x).",
            path="/configuration/live",
            is_live=True,
            shown=(),
        ),
        Rows(
            name="reported",
            sentence="List the keys or variables that a station has reported.",
            of=_STATION,
            path=f"{_PATH}/reported-values",
            key="reported",
            query=ReportedQuery,
            columns=("key", "value", "readonly", "reportedAt"),
        ),
    )
