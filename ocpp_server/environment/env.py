"""Read the environment by the table in `table.py`.

Standard library only, because `run.py` reads the table before packages are installed. `settings.py` makes
each row a Django setting of the same name, and `docs` generates the configuration page from the table.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocpp_server.environment.table import VARIABLES


class SettingError(Exception):
    """A setting is wrong. `str(error)` is one sentence with the variable and the allowed values."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}.")
        self.name = name
        self.reason = reason


def read(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Parse the whole table.

    Raises SettingError for the first wrong value. An empty variable counts as not set, because a compose
    file may contain `REDIS_PASSWORD=${REDIS_PASSWORD:-}`.
    """
    given = os.environ if environ is None else environ
    values: dict[str, Any] = {"REDIS_ADDR_GIVEN": bool(given.get("REDIS_ADDR", "").strip())}
    for variable in VARIABLES:
        raw = given.get(variable.name, "").strip()
        if not raw:
            raw = variable.default if isinstance(variable.default, str) else variable.default(values)
        try:
            values[variable.name] = variable.parse(raw)
        except ValueError as error:
            raise SettingError(variable.name, str(error)) from None
    del values["REDIS_ADDR_GIVEN"]
    return values


def load_file(path: Path, environ: dict[str, str] | os._Environ[str] | None = None) -> None:
    """Add the `NAME=value` lines of an environment file to the environment, without overriding it.

    Raises SettingError for a line that is neither a comment nor an assignment, or a file that can't be read.
    """
    target = os.environ if environ is None else environ
    if not path.exists():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(str(path.name), f"the file can't be read ({error})") from None
    for number, line in enumerate(lines, start=1):
        stripped = line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            raise SettingError(str(path.name), f"line {number} is not NAME=value")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        target.setdefault(name.strip(), value)
