"""Everything in this folder once more on PostgreSQL, and what only PostgreSQL has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed.engines import POSTGRES_URL, Postgres
from tests.live import ROOT

HERE = Path(__file__).parent
ON_BOTH = (
    "tests/database/test_texts.py",
    "tests/test_bulk.py",
    "tests/test_journal.py",
    "tests/database/test_races.py",
    "tests/database/test_retention.py",
    "tests/api/test_series.py",
)


@pytest.mark.slow
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    engine = Postgres(POSTGRES_URL)
    try:
        environment = {
            **os.environ,
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": engine.create("ocpp_database"),
        }
        files = [*ON_BOTH, str(HERE / "postgresql")]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        engine.close()

    assert done.returncode == 0, done.stdout[-5000:]
    assert "skipped" not in done.stdout.splitlines()[-1]
