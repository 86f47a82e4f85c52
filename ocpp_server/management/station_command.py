"""Options, output and exit codes of `trigger`, `remote_start`, `remote_stop` and `send`."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ocpp_server.management.api import GRACE_S, Answer, Api, ServerAway, station_path
from ocpp_server.management.running_server import server

DONE, REFUSED, BAD_INPUT, OFFLINE, TIMEOUT = range(5)
_EXIT_BY_STATUS = {
    200: DONE,
    400: BAD_INPUT,
    401: OFFLINE,
    404: BAD_INPUT,
    408: TIMEOUT,
    409: BAD_INPUT,
    429: TIMEOUT,
    503: OFFLINE,
}
EXIT_CODES = (
    "Exit codes: 0 the station accepted, 1 it rejected or answered an error, 2 bad input or unknown station, "
    "3 the station is offline or the server is not running, 4 no answer in time."
)
_OTHER_DATABASE = (
    "The running server does not know this key: it uses another database. "
    "Give this command the server's DATA_DIR or DATABASE_URL."
)
_POLL_S = 0.3
MAX_TIMEOUT_S = 120


class StationCommand(BaseCommand):
    """A command to a station, through the REST API. Subclasses define the path and the body to post."""

    requires_system_checks: list[str] = []
    requires_migrations_checks = False
    # Seconds that a remote start waits for its transaction. Other commands wait only for the answer.
    wait_s = 0.0

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, epilog=EXIT_CODES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--timeout",
            type=_seconds,
            help=f"seconds to wait for the station's answer (default {settings.OCPP_CALL_TIMEOUT:g})",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def request(self, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The path and body to post. Raises ValueError with a sentence for bad input."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        is_json = options["json"]
        try:
            path, body = self.request(options)
            if options["timeout"] is not None:
                body["timeout"] = options["timeout"]
            with server() as api:
                code, report = self._run(api, path, body, options)
        except ValueError as error:
            code, report = BAD_INPUT, {"message": str(error)}
        except ServerAway as error:
            code, report = OFFLINE, {"message": str(error)}
        if is_json:
            self.stdout.write(json.dumps({"success": code == DONE, "exitCode": code, **report}, indent=2))
        else:
            self._show(code, report)
        if code:
            raise SystemExit(code)

    def _run(
        self, api: Api, path: str, body: dict[str, Any], options: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        seconds = options["timeout"] or settings.OCPP_CALL_TIMEOUT
        answer = api.post(path, body, timeout=seconds + GRACE_S)
        code = _exit_code(answer)
        report: dict[str, Any] = {"message": _OTHER_DATABASE if answer.status == 401 else answer.message}
        if answer.data.get("errors"):
            report["errors"] = answer.data["errors"]
        request_id = answer.data.get("requestId")
        if request_id is None:
            return code, report
        where = f"{station_path(answer.data['clientId'])}/commands/{request_id}"
        report["command"] = api.get(where).data
        if code == DONE and self.wait_s:
            code = self._wait_for_transaction(api, where, report)
        return code, report

    def _wait_for_transaction(self, api: Api, where: str, report: dict[str, Any]) -> int:
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

    def _show(self, code: int, report: dict[str, Any]) -> None:
        command = report.get("command")
        if command:
            sent = json.dumps(command["payload"], ensure_ascii=False)
            self.stdout.write(f"Sent      {command['action']} to {command['clientId']}: {sent}")
            if command["response"] is not None:
                response = json.dumps(command["response"], ensure_ascii=False)
                self.stdout.write(f"Answered  {response}")
            elif command["errorCode"]:
                error = f"{command['errorCode']}: {command['errorDescription']}".rstrip(": ")
                self.stdout.write(f"Answered  error {error}")
        if "outcome" in report:
            self.stdout.write(f"Result    {report['message']}")
            self.stdout.write(f"Outcome   {self._outcome(report)}")
            return
        if code == DONE:
            self.stdout.write(f"Result    {report['message']}")
            return
        self.stderr.write(report["message"])
        for error in report.get("errors", ()):
            if error["reason"] not in report["message"]:
                self.stderr.write(f"  {error['field']}: {error['reason']}")

    def _outcome(self, report: dict[str, Any]) -> str:
        if report["outcome"] == "started":
            return f"transaction {report['transactionId']} began."
        if report["outcome"] == "waiting":
            return f"no transaction within {self.wait_s:g} s; the server keeps waiting for it."
        return "the station started no transaction."


def _exit_code(answer: Answer) -> int:
    if answer.status == 200 and not answer.success:
        return REFUSED
    return _EXIT_BY_STATUS.get(answer.status, REFUSED)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= MAX_TIMEOUT_S:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to {MAX_TIMEOUT_S}")
    return seconds


def connector_number(text: str) -> int:
    """A connector (1.6) or EVSE (2.x). Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ArgumentTypeError(f"{text!r} is not a connector number; they start at 1")
    return int(text)
