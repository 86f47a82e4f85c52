"""Runs tests a second time on PostgreSQL. The ordinary run uses SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

from tests.distributed.engines import POSTGRES_URL, Postgres
from tests.servers import ROOT


def run_on_postgresql(data_dir: Path, *tests: str) -> str:
    """Run these test files and folders (relative to the project root) and return the output of pytest.

    Raises AssertionError when a test fails.
    """
    engine = Postgres(POSTGRES_URL)
    try:
        environment = {
            **os.environ,
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(data_dir),
            "DATABASE_URL": engine.create(f"ocpp_again_{uuid.uuid4().hex[:8]}"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        engine.close()
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout
