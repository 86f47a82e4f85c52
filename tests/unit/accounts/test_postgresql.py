"""The same races and files on PostgreSQL, whose transactions really overlap; the import page too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.on_postgresql import run_on_postgresql


@pytest.mark.slow
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    run_on_postgresql(
        tmp_path,
        "tests/unit/accounts/test_races.py",
        "tests/unit/accounts/test_token_files.py",
        "tests/admin/test_token_import.py",
    )
