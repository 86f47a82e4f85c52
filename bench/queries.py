"""Count the queries of requests with Django, and show the database's plans for them.

`PYTHONPATH=CHECKOUT python -P bench/queries.py FILE`: FILE is what `rest.queries` asks, as JSON; prints a row
for each path as JSON.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

ENERGY = "a month's energy by site"
ALL_MONTHS = "the first sum of all months"
TIMES = 5
_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (ANALYZE, BUFFERS) "}
_SCAN = re.compile(r"SCAN (\w+)\b(?! USING)|Seq Scan on (\w+)")
_SORTED = re.compile(r"USE TEMP B-TREE|Seq Scan")
# PostgreSQL names a partition, by its month or as the rest.
_PARTITION = re.compile(r"_(?:\d{4}_\d\d|rest)$")
# Reading a whole table is right for one of so few rows.
FEW_ROWS = 1000


def paths_of_lists(values: dict[str, str]) -> list[str]:
    """Return all lists of the API whose parameters have values."""
    from drf_spectacular.generators import SchemaGenerator

    paths = []
    for path, operations in SchemaGenerator().get_schema(public=True)["paths"].items():
        names = {each["name"] for each in operations.get("get", {}).get("parameters", [])}
        if "limit" in names and not path.endswith("/export"):
            filled = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "{}"), path)
            if "{" not in filled:
                paths.append(filled)
    return paths


def measured(paths: list[str], key: str, plans: bool) -> dict[str, Any]:
    """Return the number of queries of each path, its rows in the list, and the plans."""
    from django.test import Client

    client = Client(headers={"Authorization": f"Api-Key {key}"}, SERVER_NAME="localhost")
    client.get("/api/v1/chargepoints")  # fills caches shared by all requests, which do not count for a list
    return {path: _captured(partial(client.get, path), plans) for path in paths}


def energy_by_site(plans: bool) -> dict[str, dict[str, Any]]:
    """Return the rows of the report over a month, and of the sum of all months that comes before it."""
    since = datetime.now(UTC) - timedelta(days=30)
    try:
        from transactions.services.metering import months
    except ImportError:  # an earlier commit, which reads the sessions
        return {ENERGY: _timed(partial(_energy_of_sessions, since), plans)}
    at = time.perf_counter()
    months.sum_months(months.changed(), datetime.now(UTC))
    taken = (time.perf_counter() - at) * 1000
    first = {"ms": taken, "slowest_ms": taken, "queries": None}
    return {ENERGY: _timed(partial(months.by_site, since.date().replace(day=1)), plans), ALL_MONTHS: first}


def _energy_of_sessions(since: datetime) -> list[Any]:
    from django.db.models import Sum

    from transactions.models import Transaction

    sessions = Transaction.objects.filter(started_at__gte=since).order_by()
    return list(sessions.values_list("charge_point__site__name").annotate(Sum("energy_wh")))


def _timed(ask: Callable[[], Any], plans: bool) -> dict[str, Any]:
    taken = []
    for _ in range(TIMES):
        at = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - at) * 1000)
    return {"ms": statistics.median(taken), "slowest_ms": max(taken), **_captured(ask, plans)}


def _captured(ask: Callable[[], Any], plans: bool) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        ask()
    row: dict[str, Any] = {"queries": len(captured)}
    if plans:
        row["plans"] = [
            {"sql": query["sql"], "plan": _plan(query["sql"])}
            for query in captured
            if query["sql"].startswith("SELECT")
        ]
        row["scans"] = _scanned(row["plans"])
    return row


def _scanned(plans: list[dict[str, Any]]) -> list[str]:
    """Return the tables of more than a few rows that the plans read as a whole. SQLite also calls it a scan
    to read the first rows in the order of the key.
    """
    from django.db import connection

    names = {
        found[1] or found[2]
        for each in plans
        if " LIMIT " not in each["sql"] or any(_SORTED.search(line) for line in each["plan"])
        for line in each["plan"]
        if (found := _SCAN.search(line))
    }
    big = set()
    with connection.cursor() as cursor:
        known = {table.name for table in connection.introspection.get_table_list(cursor)}
        for name in names & known:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - the name of a table
            if cursor.fetchone()[0] > FEW_ROWS:
                big.add(_PARTITION.sub("", name))
    return sorted(big)


def _plan(sql: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_EXPLAIN[connection.vendor] + sql)
        return [str(row[-1]) for row in cursor.fetchall()]


def _main(asked: dict[str, Any]) -> dict[str, Any]:
    import io

    import django

    django.setup()
    from django.core.management import call_command

    call_command("bootstrap", verbosity=0, stdout=io.StringIO())
    paths = asked["paths"] + (paths_of_lists(asked["values"]) if asked["values"] else [])
    rows = measured(list(dict.fromkeys(paths)), asked["key"], asked["plans"])
    if asked["energy"]:
        rows |= energy_by_site(asked["plans"])
    return rows


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_main(json.loads(Path(sys.argv[1]).read_text()))) + "\n")
