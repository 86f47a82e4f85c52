"""Runs tests a second time on PostgreSQL. The ordinary run uses SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

from tests.distributed.engines import MIGRATED, POSTGRES_URL, Postgres
from tests.servers import ROOT


def run_on_postgresql(data_dir: Path, migrated: Path, *tests: str) -> str:
    """Run these test files and folders (relative to the project root) and return the output of pytest.

    `migrated` is the data of a PostgreSQL with the database MIGRATED: the test database is a copy of that. On
    the PostgreSQL of TEST_DATABASE_URL the tests migrate it. Raises AssertionError when a test fails.
    """
    engine = Postgres(POSTGRES_URL, copy_of=migrated)
    name = f"ocpp_again_{uuid.uuid4().hex[:8]}"
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": f"{engine.url}/{name}",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    try:
        if not POSTGRES_URL:
            engine.create(f"test_{name}", MIGRATED)  # the name that Django gives the test database
            command.append("--reuse-db")
        engine.create(name)
        done = subprocess.run(
            [*command, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        engine.close()
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-2000:]}\nexit {done.returncode}"
    return done.stdout
