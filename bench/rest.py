"""REST lists over many rows: time and number of queries of the first page."""

from __future__ import annotations

import http.client
import io
import json
import statistics
import subprocess
import sys
import time
from typing import Any

from bench import servers
from bench.machine import ROOT
from bench.servers import API_KEY, Server, _environment
from bench.speed import Log, Plan

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
    folder = plan.folder / "rest"
    template = servers.prepare(
        folder / "rows", cards=100, stations=plan.rest_stations, transactions=plan.rest_transactions
    )
    queries = _queries(folder / "rows")
    server = servers.ours(folder / "server", template, plan.first_port)
    try:
        log("REST lists")
        times: dict[str, list[float]] = {path: [] for path in (BASELINE, *PATHS)}
        for _ in range(TIMES):
            for path, taken in times.items():
                taken.append(_get(server, path))
    finally:
        server.stop()
        (folder / "server" / "db.sqlite3").unlink()
    base = statistics.median(times[BASELINE])
    return {
        path: {
            "ms": statistics.median(taken) * 1000,
            "slowest_ms": max(taken) * 1000,
            "ratio": statistics.median(taken) / base,
            "queries": queries.get(path),
        }
        for path, taken in times.items()
    }


def _get(server: Server, path: str) -> float:
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
    return taken


def _queries(folder: Any) -> dict[str, int]:
    """Count the queries of each list with Django, in a separate process."""
    output = subprocess.run(
        [sys.executable, "-m", "bench.rest"],
        cwd=ROOT,
        env=_environment(folder, 0),
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    counted: dict[str, int] = json.loads(output.splitlines()[-1])
    return counted


def _count() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    call_command("bootstrap", verbosity=0, stdout=io.StringIO())
    client = Client(headers={"Authorization": f"Api-Key {API_KEY}"}, SERVER_NAME="localhost")
    client.get(PATHS[0])  # fills caches shared by all requests, which do not count for a list
    counted = {}
    for path in PATHS:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(path)
        counted[path] = len(captured)
    print(json.dumps(counted))


if __name__ == "__main__":
    _count()
