"""The tables of docs/ocpp-protocol.md: what is supported of each action, in each version.

`manage.py api_docs` writes them, from THE TABLE, the registered handlers and the declared commands; a test
compares the page with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from ocpp_server.commanding import OperatorCommand, commands
from ocpp_server.protocol.actions import ACTIONS, Action, Fact
from ocpp_server.protocol.registry import registry
from ocpp_server.protocol.versions import VERSIONS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "ocpp-protocol.md"
BEGIN: Final = "<!-- begin: written by manage.py api_docs -->\n"
END: Final = "<!-- end -->\n"


def protocol_page() -> str:
    """The page, with its tables of now."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def tables() -> str:
    """One table for each block: the actions that stations send, then those that the server sends."""
    lines: list[str] = []
    rows = sorted(ACTIONS.values(), key=lambda one: (one.block, not one.is_from_station, one.name))
    for block, found in groupby(rows, key=lambda one: one.block):
        versions = " | ".join(version.label for version in VERSIONS)
        lines += [f"### {block.upper() if len(block) <= 3 else block.replace('_', ' ').capitalize()}", ""]
        lines += [f"| action | sent by | {versions} | on the server |", "|---|---|---|---|---|---|"]
        lines += [_row(one) for one in found]
        lines.append("")
    return "\n".join(lines)


def _row(one: Action) -> str:
    cells = " | ".join(_support(one, str(version)) for version in VERSIONS)
    sides = {"station": "station", "csms": "server", "both": "both"}
    return f"| {one.name} | {sides[one.direction]} | {cells} | {' '.join(_sentences(one))} |"


def _support(one: Action, version: str) -> str:
    if version not in map(str, one.versions):
        return ""
    is_served = registry.handler(version, one.name) is not None
    return "yes" if one.is_to_station or is_served else "no"


def _sentences(one: Action) -> Iterator[str]:
    if one.is_from_station:
        if any(registry.handler(str(version), one.name) for version in one.versions):
            yield "Handled." if Fact.UNANSWERED in one.facts else "Handled and answered."
        if Fact.TRANSACTIONAL in one.facts:
            yield "Never refused: a station discards it after an error."
        if Fact.BEFORE_ACCEPTED in one.facts:
            yield "Also before the boot is accepted."
    if one.is_to_station:
        yield _sending(one)
        if any(registry.reply_handler(str(version), one.name) for version in one.versions):
            yield "The answer updates what is stored."
        if Fact.WHILE_PENDING in one.facts:
            yield "Also while the station is pending."


def _sending(one: Action) -> str:
    declared = [command for command in commands() if one.name in command.actions]
    if declared:
        links = ", ".join(_link(command) for command in declared)
        return f"Sent by the command {links}." if len(declared) == 1 else f"Sent by the commands {links}."
    return "Sent where another command of the block needs it, and by `POST .../commands`."


def _link(command: OperatorCommand) -> str:
    anchor = "".join(
        letter for letter in str(command.title).lower().replace(" ", "-") if letter.isalnum() or letter == "-"
    )
    return f"[{command.name}](commands.md#{anchor})"
