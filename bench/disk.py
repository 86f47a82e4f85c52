"""How many bytes of a database each table takes, with its indexes, and how many of them a message costs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

# Tables of the outbox: their rows are deleted when all consumers have read them.
OUTBOX = "api_event"

# A partition counts as its table.
_POSTGRESQL = """
    SELECT coalesce(parent.relname, part.relname),
           sum(pg_table_size(part.oid)), sum(pg_indexes_size(part.oid))
    FROM pg_class AS part
    JOIN pg_namespace AS space ON space.oid = part.relnamespace AND space.nspname = 'public'
    LEFT JOIN pg_inherits AS link ON link.inhrelid = part.oid
    LEFT JOIN pg_class AS parent ON parent.oid = link.inhparent
    WHERE part.relkind = 'r' GROUP BY 1
"""
_SQLITE = """
    SELECT coalesce(item.tbl_name, page.name), sum(page.pgsize * (coalesce(item.type, '') <> 'index')),
           sum(page.pgsize * (coalesce(item.type, '') = 'index'))
    FROM dbstat AS page LEFT JOIN sqlite_master AS item ON item.name = page.name
    WHERE page.aggregate = TRUE GROUP BY 1
"""


@dataclass(frozen=True)
class Sizes:
    """Bytes by table: (rows, indexes). `wal` is the position in PostgreSQL's log."""

    tables: dict[str, tuple[int, int]] = field(default_factory=dict)
    wal: int = 0


def of_sqlite(path: Path) -> Sizes:
    """Move the log into the database, and measure its pages without the free ones."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Sizes(_by_table(connection.execute(_SQLITE).fetchall()))


def of_postgresql(url: str) -> Sizes:
    with psycopg.connect(url) as connection:
        tables = _by_table(connection.execute(_POSTGRESQL).fetchall())
        row = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchone()
    assert row is not None
    return Sizes(tables, int(row[0]))


def _by_table(rows: list[Any]) -> dict[str, tuple[int, int]]:
    return {name: (int(data), int(indexes)) for name, data, indexes in rows}


def per_message(empty: Sizes, full: Sizes, messages: int) -> dict[str, Any]:
    """Return the bytes a message has added, in all and by table; those of the outbox are apart."""
    tables = {}
    for name, (rows, indexes) in full.tables.items():
        rows_before, indexes_before = empty.tables.get(name, (0, 0))
        added = {"rows": rows - rows_before, "indexes": indexes - indexes_before}
        if any(added.values()):
            tables[name] = {kind: size / messages for kind, size in added.items()}
    sums = {name: sum(added.values()) for name, added in tables.items()}
    outbox = sum(size for name, size in sums.items() if name.startswith(OUTBOX))
    return {
        "bytes": sum(sums.values()) - outbox,
        "outbox": outbox,
        "wal": (full.wal - empty.wal) / messages if full.wal else None,
        "tables": dict(sorted(tables.items(), key=lambda item: -sums[item[0]])),
    }
