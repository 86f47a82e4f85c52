"""Write docs/configuration.md and .env.example from the table in `table.py`.

Run `python -m ocpp_server.environment.docs`; a test compares both files with the table.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ocpp_server.environment.table import VARIABLES
from ocpp_server.environment.variable import Variable

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATION, EXAMPLE = ROOT / "docs" / "configuration.md", ROOT / ".env.example"
WIDTH = 118

_INTRODUCTION = """\
# Configuration

Every setting is an environment variable, or a line `NAME=value` of the file `.env` beside `run.py`
(`ENV_FILE` names another file). A variable of the environment overrides the file; an empty one counts as not
set. Every role of the server reads the same settings. A wrong value stops the start with a sentence that
names the variable.

Durations are written `500ms`, `30s`, `1m30s`, `72h` or `30d`; a bare number is seconds. Sizes are `512KiB` or
`1MiB`. Switches are `1` and `0` (or true and false, on and off). Lists are separated by commas.

This page is generated from `ocpp_server/environment/table.py` by `python -m ocpp_server.environment.docs`.
"""

_EXAMPLE = """\
# Copy to .env and edit. A variable of the shell overrides a line here; a commented line shows the default.
# Generated from ocpp_server/environment/table.py, as docs/configuration.md is:
# python -m ocpp_server.environment.docs
"""

# The variables that docker-compose.yml needs in addition.
_COMPOSE = {
    "POSTGRES_PASSWORD": "The password of the PostgreSQL that docker-compose.yml starts: letters and digits.",
    "GATEWAY_PORT": "The port of the gateway on the machine; 8082 if empty.",
    "IMAGE_TAG": "The tag of the server's image; local if empty.",
}


def configuration_page() -> str:
    lines = [_INTRODUCTION]
    for group, variables in _groups():
        lines += [f"## {group}", "", "| variable | default | |", "|---|---|---|"]
        lines += [f"| `{row.name}` | {_shown(row)} | {_cell(row.sentence)} |" for row in variables]
        lines += [""]
    return "\n".join(lines)


def example_file() -> str:
    lines = [_EXAMPLE]
    for group, variables in _groups():
        lines += [f"# -- {group} --", ""]
        for row in variables:
            comment = row.sentence
            if row.shown_default:
                comment += f" Default: {row.shown_default}."
            lines += textwrap.wrap(comment, WIDTH, initial_indent="# ", subsequent_indent="# ")
            lines += [f"#{row.name}={row.default if isinstance(row.default, str) else ''}", ""]
    lines += ["# -- docker-compose.yml alone --", ""]
    for name, sentence in _COMPOSE.items():
        lines += [f"# {sentence}", f"#{name}=", ""]
    return "\n".join(lines).rstrip() + "\n"


def _groups() -> Iterator[tuple[str, list[Variable]]]:
    """The rows by group, in the order of the table, which keeps the rows of a group together."""
    for group, rows in groupby(VARIABLES, key=lambda row: row.group):
        yield group, list(rows)


def _shown(row: Variable) -> str:
    if row.shown_default:
        return _cell(row.shown_default)
    return f"`{row.documented_default}`" if row.documented_default else "empty"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    CONFIGURATION.write_text(configuration_page())
    EXAMPLE.write_text(example_file())
