"""Copies a PostgreSQL database to an SQLite file, for checks that read SQLite."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.distributed.cluster import Cluster

TABLES = (
    "chargepoints_chargepoint",
    "chargepoints_message",
    "transactions_transaction",
    "transactions_transactionevent",
    "transactions_reading",
    "transactions_quarantinedmessage",
    "transactions_counter",
)


def copy(cluster: Cluster, path: Path) -> Path:
    """Copy the tables with the data of stations."""
    with closing(sqlite3.connect(path)) as target, target:
        for table in TABLES:
            rows = cluster.rows(f"SELECT * FROM {table}")  # noqa: S608 - a constant name
            names = list(rows[0]) if rows else [row["column_name"] for row in _columns(cluster, table)]
            target.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            target.executemany(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - a constant name
                [[_plain(value) for value in row.values()] for row in rows],
            )
            if "transaction_id" in names:
                target.execute(f"CREATE INDEX {table}_of_transaction ON {table} (transaction_id)")
    return path


def _columns(cluster: Cluster, table: str) -> list[dict[str, Any]]:
    return cluster.rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return json.dumps(value) if isinstance(value, list | dict) else value
