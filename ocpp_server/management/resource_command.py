"""Commands that read and change the rows of a resource through the REST API: `manage.py tokens block 04A1`.

A command declares its steps (sub-commands). Their arguments follow from the bodies and query strings of the
REST operations, so a field of the API is an option of the command line. The server checks the values.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from django.core.management.base import BaseCommand

from ocpp_server.credentials import Role
from ocpp_server.management import running_server
from ocpp_server.management.api import ServerAway
from ocpp_server.management.station_command import BAD_INPUT, DONE, OFFLINE, OTHER_DATABASE, exit_code
from ocpp_server.management.steps import Refused, Row, Step
from ocpp_server.management.tables import Table, line, lines, printable

EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 refused, 2 bad input or not found, 3 the station is offline or the server is not "
    "running, 4 no answer in time."
)


class ResourceCommand(BaseCommand):
    """Subclasses define `help` and `steps`."""

    requires_system_checks: list[str] = []
    requires_migrations_checks = False
    steps: ClassVar[Sequence[Step]] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = parser.add_subparsers(dest="step", required=True, metavar="STEP", title="steps")
        for step in self.steps:
            sentence = step.sentence.replace("%", "%%")
            one = names.add_parser(step.name, help=sentence, description=sentence, epilog=EXIT_CODES)
            step.add_arguments(one)
            one.add_argument("--json", action="store_true", help="print one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        step = next(one for one in self.steps if one.name == options["step"])
        codes = [DONE]
        try:
            step.prepare(options)
            # A user with the database may change every row, so the key has the highest role.
            with running_server.server(stations=step.requests(options), role=Role.ADMINISTRATOR) as api:
                self._show(step, step.run(api, options), options, codes)
        except Refused as refused:
            codes.append(self._refuse(refused, options))
        except ValueError as error:
            codes.append(self._fail(BAD_INPUT, str(error), options))
        except ServerAway as error:
            codes.append(self._fail(OFFLINE, str(error), options))
        except BrokenPipeError:
            # The reader of the output has ended, such as `head`. Python would complain at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code := max(codes):
            raise SystemExit(code)

    def _show(
        self, step: Step, found: Iterator[Row | Refused], options: dict[str, Any], codes: list[int]
    ) -> None:
        columns = options.get("fields") or step.columns
        table = Table(columns)
        try:
            for row in found:
                if isinstance(row, Refused):
                    codes.append(self._refuse(row, options))
                elif options["json"]:
                    self.stdout.write(line(row.fields))
                elif columns:
                    self._write(table.add(row.fields))
                else:
                    shown = step.shown
                    fields = row.fields if shown is None else {name: row.fields[name] for name in shown}
                    self._write(lines(fields, row.sentence))
        finally:
            # An error after some rows comes below them.
            self._write(table.rest())
            self.stdout.flush()

    def _write(self, texts: Iterator[str]) -> None:
        for text in texts:
            self.stdout.write(text)

    def _refuse(self, refused: Refused, options: dict[str, Any]) -> int:
        answer, name = refused.answer, refused.name
        message = OTHER_DATABASE if answer.status == 401 else answer.message
        if name and name not in message:
            message = f"{name}: {message}"
        return self._fail(exit_code(answer), message, options, answer.data.get("errors") or (), name)

    def _fail(
        self,
        code: int,
        message: str,
        options: dict[str, Any],
        errors: Sequence[dict[str, Any]] = (),
        name: str = "",
    ) -> int:
        if options["json"]:
            report: dict[str, Any] = {"success": False, "exitCode": code, "message": message}
            report |= {"name": name} if name else {}
            self.stdout.write(line(report | ({"errors": errors} if errors else {})))
            return code
        self.stderr.write(printable(message))
        for error in errors:
            if error["reason"] not in message:
                self.stderr.write(printable(f"  {error['field']}: {error['reason']}"))
        return code
