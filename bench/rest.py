"""REST lists over many rows: time and number of queries of the first page."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import databases, servers
from bench.databases import API_KEY, SQLITE, Database
from bench.plan import Log, Plan
from bench.servers import Server

PATHS = (
    "/api/v1/chargepoints",
    "/api/v1/chargepoints?limit=200",
    "/api/v1/chargepoints?search=LIST-001",
    "/api/v1/chargepoints/LIST-00042",
    "/api/v1/transactions",
    "/api/v1/transactions?limit=200",
    "/api/v1/transactions?status=all",
    "/api/v1/transactions?status=all&limit=200",
    "/api/v1/transactions?status=all&clientId=LIST-00042",
    "/api/v1/transactions?status=all&idTag=CARD42",
)
BASELINE = "/health"
TIMES = 20


def lists(plan: Plan, log: Log) -> dict[str, Any]:
    """Measure the median and the slowest answer of each list, and its ratio to an HTTP answer without
    queries.
    """
    log(f"{plan.rest_stations} stations and {plan.rest_transactions} transactions: writing rows")
    with ExitStack() as stack:
        database = databases.empty(plan.folder / "rest-rows", SQLITE, stack)
        database.run("rows.py", "100", str(plan.rest_stations), str(plan.rest_transactions))
        rows = queries(database, list(PATHS))
        return timed(database, plan.folder / "rest", plan.first_port, rows, log)


def queries(
    database: Database,
    paths: list[str],
    *,
    values: dict[str, str] | None = None,
    plans: bool = False,
    energy: bool = False,
) -> dict[str, Any]:
    """Return the number of queries of each path, see `bench/queries.py`. With `values` of parameters, all
    lists of the API are added.
    """
    asked = database.folder / "paths.json"
    asked.write_text(
        json.dumps({"paths": paths, "values": values or {}, "plans": plans, "energy": energy, "key": API_KEY})
    )
    rows: dict[str, Any] = json.loads(database.run("queries.py", str(asked)))
    return rows


def timed(
    database: Database, folder: Path, first_port: int, rows: dict[str, Any], log: Log
) -> dict[str, Any]:
    """Add milliseconds to the rows of the paths, measured at a server with this database."""
    paths = [BASELINE, *(path for path in rows if path.startswith("/"))]
    server = servers.started(database, folder, first_port).wait()
    try:
        log("REST lists")
        times: dict[str, list[float]] = {path: [] for path in paths}
        for _ in range(TIMES):
            for path, taken in times.items():
                taken.append(get(server, path)[0])
    finally:
        server.stop()
    base = statistics.median(times[BASELINE]) * 1000
    measured = {BASELINE: {"queries": None}, **rows}
    for path, taken in times.items():
        measured[path] |= {"ms": statistics.median(taken) * 1000, "slowest_ms": max(taken) * 1000}
    for row in measured.values():
        row["ratio"] = row["ms"] / base
    return measured


def get(server: Server, path: str) -> tuple[float, Any]:
    """Return the seconds of a request and its decoded answer. Raises SystemExit for any status but 200."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    at = time.perf_counter()
    try:
        connection.request("GET", path, headers={"Authorization": f"Api-Key {API_KEY}"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    taken = time.perf_counter() - at
    if answer.status != 200:
        raise SystemExit(f"{path} answered {answer.status}: {body[:300]!r}")
    return taken, json.loads(body)
