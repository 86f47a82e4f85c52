"""Commands to stations through the REST API: the common options, the output and the exit codes."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand

from ocpp_server.credentials import Role
from ocpp_server.management.api import GRACE_S, Answer, Api, ServerAway, station_path
from ocpp_server.management.running_server import server

DONE, REFUSED, BAD_INPUT, OFFLINE, TIMEOUT = range(5)
# Of an answer that is not a success. Every other status is REFUSED.
_EXIT_BY_STATUS = {
    400: BAD_INPUT, 401: OFFLINE, 404: BAD_INPUT, 408: TIMEOUT, 409: BAD_INPUT, 429: TIMEOUT, 503: OFFLINE,
}  # fmt: skip
EXIT_CODES = (
    "Exit codes: 0 the station accepted, 1 it rejected or answered an error, 2 bad input or unknown station, "
    "3 the station is offline or the server is not running, 4 no answer in time."
)
OTHER_DATABASE = (
    "The running server does not know this key: it uses another database. "
    "Give this command the server's DATA_DIR or DATABASE_URL."
)
_POLL_S = 0.3
# Fields of an answer that no later answer has, with their labels on the terminal.
_SHOWN_ONCE = {"password": "Password", "passwordHex": "As hex"}
MAX_TIMEOUT_S = 120
Report = dict[str, Any]  # the JSON object of one station


class Request(NamedTuple):
    """The path and body to post for a station."""

    station: str
    path: str
    body: dict[str, Any]


class StationCommand(BaseCommand):
    """A command to stations. Subclasses define what to post."""

    requires_system_checks: list[str] = []
    requires_migrations_checks = False
    # Seconds that a remote start waits for its transaction. Other commands wait only for the answer.
    wait_s = 0.0
    # A user with the database may send any command, so the key for the API has the role of the command.
    role = Role.OPERATOR

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, epilog=EXIT_CODES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--timeout",
            type=number_of("seconds", 1, MAX_TIMEOUT_S),
            help=f"seconds to wait for the station's answer (default {settings.OCPP_CALL_TIMEOUT:g})",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object in one line")

    def requests(self, options: dict[str, Any]) -> Sequence[Request]:
        """The body to post. Raises ValueError with a sentence for bad input."""
        raise NotImplementedError

    def confirm(self, api: Api, options: dict[str, Any]) -> None:
        """Raises ValueError if the user does not confirm a dangerous command."""

    def handle(self, *args: Any, **options: Any) -> None:
        requests: Sequence[Request] = ()
        try:
            requests = self.requests(options)
            reports = self._send(requests, options)
        except ValueError as error:
            reports = [{"exitCode": BAD_INPUT, "message": str(error)}]
        except ServerAway as error:
            reports = [{"exitCode": OFFLINE, "message": str(error)}]
        code = max(report["exitCode"] for report in reports)
        shown = [{"success": report["exitCode"] == DONE, **report} for report in reports]
        if len(shown) > 1:
            shown = [{"clientId": one.station, **report} for one, report in zip(requests, shown, strict=True)]
        if options["json"]:
            together = {"success": code == DONE, "exitCode": code, "stations": shown}
            self.stdout.write(json.dumps(shown[0] if len(shown) == 1 else together, ensure_ascii=False))
        elif len(shown) == 1:
            self._show(shown[0])
        else:
            for report in shown:
                identity, message = report["clientId"], report["message"]
                stream = self.stderr if report["exitCode"] else self.stdout
                stream.write(message if identity in message else f"{identity}: {message}")
                self._show_once(report)
        if code:
            raise SystemExit(code)

    def _send(self, requests: Sequence[Request], options: dict[str, Any]) -> list[Report]:
        seconds = options["timeout"] or settings.OCPP_CALL_TIMEOUT
        given = {} if options["timeout"] is None else {"timeout": options["timeout"]}
        posts = [(path, body | given) for _station, path, body in requests]
        with server(stations=len(posts), role=self.role) as api:
            self.confirm(api, options)
            return [self._report(api, answer) for answer in api.post_all(posts, timeout=seconds + GRACE_S)]

    def _report(self, api: Api, answer: Answer) -> Report:
        report: Report = {
            "exitCode": exit_code(answer),
            "message": OTHER_DATABASE if answer.status == 401 else answer.message,
        }
        if answer.data.get("errors"):
            report["errors"] = answer.data["errors"]
        if answer.data.get("warning"):
            report["warning"] = answer.data["warning"]
        report |= {name: answer.data[name] for name in _SHOWN_ONCE if name in answer.data}
        request_id = answer.data.get("requestId")
        if request_id is None:
            return report
        where = f"{station_path(answer.data['clientId'])}/commands/{request_id}"
        report["command"] = api.get(where).data
        if report["exitCode"] == DONE and self.wait_s:
            report["exitCode"] = self._wait_for_transaction(api, where, report)
        return report

    def _wait_for_transaction(self, api: Api, where: str, report: Report) -> int:
        """Poll the outcome of a remote start until there is one, or until `wait_s` is over."""
        until = time.monotonic() + self.wait_s
        while True:
            report["command"] = command = api.get(where).data
            start = command.get("remoteStart") or {}
            report["outcome"] = start.get("outcome", "waiting")
            report["transactionId"] = start.get("transactionId")
            if report["outcome"] == "started":
                return DONE
            if report["outcome"] != "waiting" or time.monotonic() >= until:
                return TIMEOUT
            time.sleep(_POLL_S)

    def _show_once(self, report: Report) -> None:
        for name, label in _SHOWN_ONCE.items():
            if name in report:
                self.stdout.write(f"{label:<9} {report[name]}")

    def _show(self, report: Report) -> None:
        command = report.get("command")
        if command:
            sent = json.dumps(command["payload"], ensure_ascii=False)
            self.stdout.write(f"Sent      {command['action']} to {command['clientId']}: {sent}")
            if command["response"] is not None:
                response = json.dumps(command["response"], ensure_ascii=False)
                self.stdout.write(f"Answered  {response}")
            elif command["errorCode"]:
                error = f"{command['errorCode']}: {command['errorDescription']}".rstrip(": ")
                details = command.get("errorDetails")
                shown = f" {json.dumps(details, ensure_ascii=False)}" if details else ""
                self.stdout.write(f"Answered  error {error}{shown}")
        self._show_once(report)
        if "warning" in report:
            self.stdout.write(f"Warning   {report['warning']}")
        if "outcome" in report:
            self.stdout.write(f"Result    {report['message']}")
            self.stdout.write(f"Outcome   {self._outcome(report)}")
            return
        if report["exitCode"] == DONE:
            self.stdout.write(f"Result    {report['message']}")
            return
        self.stderr.write(report["message"])
        for error in report.get("errors", ()):
            if error["reason"] not in report["message"]:
                self.stderr.write(f"  {error['field']}: {error['reason']}")

    def _outcome(self, report: Report) -> str:
        if report["outcome"] == "started":
            return f"transaction {report['transactionId']} began."
        if report["outcome"] == "waiting":
            return f"no transaction within {self.wait_s:g} s; the server keeps waiting for it."
        return "the station started no transaction."


def exit_code(answer: Answer) -> int:
    """The exit code for the answer to one request."""
    return DONE if answer.success else _EXIT_BY_STATUS.get(answer.status, REFUSED)


def number_of(noun: str, least: float, most: float) -> Callable[[str], float]:
    """The type of an argparse argument: a number in these limits."""

    def parse(text: str) -> float:
        try:
            if least <= float(text) <= most:
                return float(text)
        except ValueError:
            pass
        raise ArgumentTypeError(f"{text!r} is not a number of {noun} from {least:g} to {most:g}")

    return parse
