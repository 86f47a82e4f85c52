"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer
from tests.processes import must


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with all migrations, to copy from: migrating takes seconds, copying none."""
    folder = tmp_path_factory.mktemp("migrated")
    environment = {**os.environ, "DATA_DIR": str(folder), "ENV_FILE": os.devnull}
    must("manage", "migrate", "--verbosity", "0", environment=environment)
    return folder / "db.sqlite3"


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that the tests of a module share; `live_server` is pytest-django's name for another thing."""
    server = LiveServer(tmp_path_factory.mktemp("live"), template=migrated_database).start()
    yield server
    server.stop()
