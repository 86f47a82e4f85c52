"""What races or writes in bulk runs once more on PostgreSQL, and what only PostgreSQL has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgresql import run_on_postgresql


@pytest.mark.slow
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    said = run_on_postgresql(
        tmp_path,
        "tests/unit/storage/test_texts.py",
        "tests/unit/storage/test_bulk.py",
        "tests/unit/storage/test_journal.py",
        "tests/unit/storage/test_races.py",
        "tests/unit/storage/test_retention.py",
        "tests/api/transactions/test_series.py",
        "tests/unit/storage/postgresql",
        # Transactions that really overlap, files of tokens and their page.
        "tests/unit/accounts/test_races.py",
        "tests/unit/accounts/test_token_files.py",
        "tests/admin/test_token_import.py",
    )

    assert "skipped" not in said.splitlines()[-1]
