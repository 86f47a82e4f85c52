"""The conditions of alerts, and the lists of changed rows, in a large fleet."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from bench import databases
from bench.plan import Log, Plan


def alerts(plan: Plan, log: Log) -> dict[str, Any]:
    """Fill a database with stations, of which one in a hundred has each trouble, and time the queries."""
    with ExitStack() as stack:
        database = databases.empty(plan.folder / "alerts", plan.database, stack, settings=plan.postgresql)
        log(f"{plan.watched} stations: writing rows, then conditions and lists")
        measured: dict[str, Any] = json.loads(database.run("alert_rules.py", str(plan.watched)))
    return {"stations": plan.watched, "database": plan.database, **measured}
