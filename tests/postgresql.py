"""Tests that run on SQLite like all others, once more on a PostgreSQL of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

from tests.distributed.engines import POSTGRES_URL, Postgres
from tests.servers import ROOT


def run_on_postgresql(data_dir: Path, *tests: str) -> str:
    """What pytest said about these files and folders, named from the project's root; all have passed."""
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
