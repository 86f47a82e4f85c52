"""A copy of the test database, to begin each attempt with the same rows. Only for SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from django.db import connection


class Snapshot:
    """The rows at the moment of `take`."""

    def __init__(self) -> None:
        self._copy = sqlite3.connect(":memory:", check_same_thread=False)

    def take(self) -> None:
        with closing(_outside()) as database:
            database.backup(self._copy)

    def restore(self) -> None:
        with closing(_outside()) as database:
            self._copy.backup(database)

    def close(self) -> None:
        self._copy.close()


def _outside() -> Any:
    return sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
