"""Runs the tests of races, bulk writes and PostgreSQL's own features on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgresql import run_on_postgresql


@pytest.mark.early
@pytest.mark.slow
def test_the_same_on_postgresql(tmp_path: Path, migrated_postgres: Path) -> None:
    output = run_on_postgresql(
        tmp_path,
        migrated_postgres,
        "tests/unit/storage/test_texts.py",
        "tests/unit/storage/test_bulk.py",
        "tests/unit/storage/test_unpacking.py",
        "tests/unit/storage/test_journal.py",
        "tests/unit/storage/test_journal_stops.py",
        "tests/unit/storage/test_writes.py",
        "tests/unit/storage/test_races.py",
        "tests/unit/storage/test_retention.py",
        "tests/api/transactions/test_series.py",
        "tests/unit/events/test_numbering.py",
        "tests/unit/storage/postgresql",
        # Readings are searched in their months.
        "tests/unit/transactions/metering/test_stored.py",
        # Inserts that skip a row that exists, and JSON in a CASE.
        "tests/unit/smart_charging/test_put.py",
        # Transactions overlap only on PostgreSQL: membership races.
        "tests/unit/accounts/test_races.py",
    )

    assert "skipped" not in output.splitlines()[-1]


@pytest.mark.nightly
def test_lists_and_files_on_postgresql(tmp_path: Path, migrated_postgres: Path) -> None:
    output = run_on_postgresql(
        tmp_path,
        migrated_postgres,
        # The databases sort NULL at different ends.
        "tests/api/kit/test_whole_lists.py",
        "tests/unit/accounts/test_token_files.py",
        "tests/admin/test_token_import.py",
        "tests/unit/transactions/metering/test_carrying.py",
        "tests/unit/transactions/metering/test_courses.py",
        # The conditions of alerts are queries with partial indexes.
        "tests/unit/alerts",
        # The earlier one of two marks, upserts, and days in a time zone.
        "tests/unit/aggregates/test_counting.py",
        "tests/unit/aggregates/test_outages.py",
        "tests/api/aggregates/test_aggregates.py",
    )

    assert "skipped" not in output.splitlines()[-1]
