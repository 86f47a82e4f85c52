"""Page one of every list, a session's chart and a month's energy over the rows of years, with their plans."""

from __future__ import annotations

import json
import statistics
from contextlib import ExitStack
from typing import Any

from bench import databases, rest, servers
from bench.machine import Generator
from bench.plan import Log, Plan
from bench.rest import TIMES, get
from bench.servers import Server

STATIONS = 10_000
READINGS = 6
# Stations of the session that is copied, and of the long one.
PATTERN, LONG = "LIST-00042", "LIST-00043"
CHART = "whole chart of a session, 200 samples a page"


def history(plan: Plan, generator: Generator, log: Log) -> dict[str, Any]:
    """Fill a database with sessions of six readings and one of many, and measure requests. The readings were
    sent by a station and copied, so the rows are the product's own.
    """
    samples = plan.samples[0]
    with ExitStack() as stack:
        database = databases.empty(plan.folder / "history", plan.database, stack, settings=plan.postgresql)
        stations = min(STATIONS, max(100, plan.history_sessions // 100))
        log(f"{plan.history_sessions} sessions: writing rows")
        database.run("rows.py", "100", str(stations), str(plan.history_sessions))
        server = servers.started(database, database.folder, plan.first_port).wait()
        try:
            shared = {**server.where, "version": "1.6", "samples": samples, "prefix": "H"}
            for identity, readings in ((PATTERN, READINGS), (LONG, plan.chart_readings)):
                sent = {"identity": identity, "readings": readings, "stations": 0}
                generator.do("one session", **shared, **sent)
            page = f"/api/v1/transactions?status=all&limit=1&clientId={LONG}"
            (session,) = get(server, page)[1]["data"]["transactions"]
        finally:
            server.stop()
        log(f"{plan.history_sessions * READINGS} readings: writing rows")
        copied = json.loads(database.run("reading_rows.py", PATTERN))
        database.run("rows.py")
        number = str(session["transactionId"])
        readings_of = f"/api/v1/transactions/{number}/meter-values"
        chart = f"{readings_of}?limit=200&measurand=Power.Active.Import"
        log("queries and plans")
        rows = rest.queries(
            database,
            [*rest.PATHS, f"/api/v1/transactions/{number}", f"{readings_of}?limit=200", chart],
            values={"client_id": LONG, "transaction_id": number},
            plans=True,
            energy=True,
        )
        measured = rest.timed(database, database.folder, plan.first_port, rows, log)
        server = servers.started(database, database.folder, plan.first_port).wait()
        try:
            taken = [_whole(server, chart) for _ in range(max(3, TIMES // 4))]
        finally:
            server.stop()
        base = measured[rest.BASELINE]["ms"]
        ms = statistics.median(taken)
        measured[CHART] = {"ms": ms, "slowest_ms": max(taken), "ratio": ms / base, "queries": None}
        return {
            "database": plan.database,
            "sessions": plan.history_sessions,
            "samples": samples,
            "rows_of_readings": copied,
            "chart_readings": plan.chart_readings,
            "bytes": {name: list(sizes) for name, sizes in database.sizes().tables.items()},
            "requests": measured,
        }


def _whole(server: Server, path: str) -> float:
    """Return the milliseconds of all pages of a list, one after the other."""
    seconds, answer = get(server, path)
    while following := answer["data"].get("next"):
        more, answer = get(server, f"{path}&cursor={following}")
        seconds += more
    return seconds * 1000
