"""The same races and files on PostgreSQL, whose transactions really overlap; the import page too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed.engines import POSTGRES_URL, Postgres
from tests.live import ROOT

FILES = ("accounts/test_races.py", "accounts/test_token_files.py", "admin/test_token_import.py")


@pytest.mark.slow
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    engine = Postgres(POSTGRES_URL)
    try:
        environment = {
            **os.environ,
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": engine.create("ocpp_accounts"),
        }
        tests = [str(ROOT / "tests" / name) for name in FILES]
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
