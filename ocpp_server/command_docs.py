"""docs/commands.md, made from the declarations of commands.

`manage.py command_docs` writes the page; a test compares it with the declarations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import override

from ocpp_server.capabilities import Needs
from ocpp_server.command_fields import Field, Flag
from ocpp_server.commanding import OperatorCommand, commands
from ocpp_server.protocol import actions
from ocpp_server.protocol.versions import VERSIONS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"

_INTRODUCTION = """\
# Commands

What an operator can send to a station: by REST, with a button of the station's page in the admin, and with
`manage.py station`. A command is refused when the station can't do it: the OCPP version of its last
connection has no such action, or the station has reported that it lacks it (the last line of the command's
table). A station that has reported nothing about it is asked.

Every REST body may have `timeout`, 1 to 120 seconds to wait for the station. Every address takes
`?wait=false`, which answers 202 at once with the `requestId` of the command. In OCPP 1.6 the number of an
EVSE is the number of its connector. `manage.py station` takes several stations, and asks before it sends
something dangerous unless `--yes` is given.

An answer of the station is 200, and `success` says whether it accepted. "No such thing" (EmptyResultSet,
NotFound, Unknown) is an answer too: `success` is true, and the state of the command is `empty`. Of an answer
with several results, `accepted` of `items` were accepted (`partial`). A refusal has the station's
`reasonCode` and `additionalInfo`, if it gave them. A Reset whose station drops the connection instead of an
answer is 202: the command waits for the BootNotification (`effect`).

This page is generated from the declarations in `<app>/commands/` by `manage.py command_docs`.
"""


def commands_page() -> str:
    with override("en"):
        lines = [_INTRODUCTION]
        for command in commands():
            lines += [f"## {command.title}", "", str(command.sentence), "", "| | |", "|---|---|"]
            lines += [f"| {name} | {_cell(text)} |" for name, text in _facts(command)]
            if command.fields:
                lines += ["", "| field | | limits | |", "|---|---|---|---|", *map(_row, command.fields)]
            lines += [""]
        return "\n".join(lines)


def _facts(command: OperatorCommand) -> Iterator[tuple[str, str]]:
    yield "REST", f"`POST /api/v1/chargepoints/{{id}}/{command.path}`"
    yield "command line", f"`{usage(command)}`"
    yield "role", command.role
    yield "OCPP", _actions(command)
    if command.danger:
        yield "asks for confirmation", _danger(command)
    if command.needs is not None:
        yield "refused when the station has reported", _lacks(command.needs)


def _lacks(needs: Needs) -> str:
    return " or ".join(
        text
        for text in (
            needs.profile and f"SupportedFeatureProfiles without {needs.profile} (1.6)",
            needs.variable and f"{needs.variable} = false (2.x)",
        )
        if text
    )


def _actions(command: OperatorCommand) -> str:
    if not command.actions:
        return "any action of the station's version"
    spoken: dict[str, list[str]] = {}
    for version in VERSIONS:
        action = command.action_of(version)
        if action in actions.to_station(version):
            spoken.setdefault(action, []).append(version.label)
    return "; ".join(f"{action} ({', '.join(versions)})" for action, versions in spoken.items())


def _danger(command: OperatorCommand) -> str:
    danger = command.danger
    if isinstance(danger, str | Promise):
        return f"always: {danger}"
    return getdoc(danger) or "depends on the station and the fields"


def usage(command: OperatorCommand) -> str:
    """The line of `manage.py station`: the required options, then the others."""
    options = [(f"--{one.option}" + ("" if isinstance(one, Flag) else " ..."), one) for one in command.fields]
    required = [option for option, field in options if field.required]
    others = [f"[{option}]" for option, field in options if not field.required]
    return " ".join(["manage.py station", command.name, "CP-7", *required, *others])


def _row(field: Field) -> str:
    kind = f"{field.kind}, required" if field.required else field.kind
    words = [str(field.help or f"{field.label}.")]
    if field.default is not None:
        words.append(f"Default: {field.default}.")
    if field.example is not None:
        words.append(f"Example: `{json.dumps(field.example)}`")
    return f"| `{field.name}` | {kind} | {_cell(field.limits)} | {_cell(' '.join(words))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
