"""Committed rows are copied into SQLite's database file in the background; no commit waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from ocpp_server.storage.journal import Journal
from tests.unit.storage.test_journal import counter, journal, until

__all__ = ["journal"]
pytestmark = pytest.mark.django_db(transaction=True)


async def test_rows_are_copied_from_the_log_beside_the_journal(journal: Journal) -> None:
    database = Path(connection.settings_dict["NAME"])

    await journal.commit(counter("a row of the log", 1))

    assert b"a row of the log" not in database.read_bytes()
    await until(lambda: b"a row of the log" in database.read_bytes())
