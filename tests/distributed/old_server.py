"""A server of the release before, as a connection that writes its rows while a migration runs."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
import pytest
from psycopg import errors

from tests.distributed.engines import Postgres
from tests.servers import ROOT

# As the journal: how long one attempt waits for a lock, and how long it tries again (OCPP_JOURNAL_BUDGET).
LOCK_WAIT_S: Final = 0.5
BUDGET_S: Final = 5.0
# The errors after which the journal tries again.
CONFLICTS: Final = (errors.LockNotAvailable, errors.DeadlockDetected, sqlite3.OperationalError)
SETUP: Final = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
django.setup()
"""


class OldServer:
    """Writes to a database without Django, and runs scripts on it with this release's code.

    `url` is empty for SQLite, whose file is in `data_dir`.
    """

    def __init__(self, url: str, data_dir: Path) -> None:
        self.url = url
        self.data_dir = data_dir

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self._connect()) as connection, connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    async def write(self, sql: str) -> None:
        """Write a row of a message. Raises the last error after BUDGET_S."""
        deadline = time.monotonic() + BUDGET_S
        while True:
            try:
                await asyncio.to_thread(self.execute, sql)
            except CONFLICTS:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    async def run(self, script: str) -> asyncio.subprocess.Process:
        """Run Python in a process of its own, with Django set up for this database."""
        environment = {**os.environ, "ENV_FILE": os.devnull, "RUN_IN_PLACE": "1"}
        environment |= {"DATA_DIR": str(self.data_dir)} | ({"DATABASE_URL": self.url} if self.url else {})
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SETUP + script,
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def _connect(self) -> Any:
        if not self.url:
            return sqlite3.connect(self.data_dir / "db.sqlite3", timeout=LOCK_WAIT_S)
        return psycopg.connect(self.url, options=f"-c lock_timeout={int(LOCK_WAIT_S * 1000)}")


Server = TypeVar("Server", bound=OldServer)


def an_old_server(request: pytest.FixtureRequest, data_dir: Path, kind: type[Server]) -> Server:
    """For a fixture whose parameter is `sqlite` or `postgresql`."""
    if request.param == "sqlite":
        return kind("", data_dir)
    postgres: Postgres = request.getfixturevalue("postgres")
    return kind(postgres.create(f"ocpp_old_{uuid.uuid4().hex[:8]}"), data_dir)
