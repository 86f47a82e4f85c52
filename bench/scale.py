"""Measure one process, two processes, and gateway with processor, on SQLite and PostgreSQL, with few and many
stations.

The processes are `run.py`'s roles; Redis and PostgreSQL are real, and PostgreSQL syncs as in production.
Only the generator is pinned: the servers share the other cores with Redis and PostgreSQL.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from bench import books
from bench.cases import median_latency
from bench.databases import POSTGRESQL, SQLITE, Database, Templates
from bench.machine import Generator
from bench.plan import Log, Plan
from tests.distributed.cluster import Cluster
from tests.distributed.engines import REDIS_URL, Redis
from tests.servers import PORTLESS, LiveServer

_TITLES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
VERSION = "1.6"
# Roles in the order of their start; "" is the whole server in one process, which needs no Redis.
SETUPS: dict[str, tuple[str, ...]] = {
    "one process": ("",),
    "two processes": ("web", "web"),
    "gateway + processor": ("processor", "gateway"),
}
SETTINGS = {"OCPP_MESSAGE_LOG": "on", "OCPP_LOG_HEARTBEATS": "on", "REDIS_STATE_TTL": "30s"}


@dataclass
class Running:
    """The processes of a setup; `members` are the measured ones."""

    processes: list[LiveServer]
    database: Database
    members: dict[str, int] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, Any]:
        ports = [process.port for process in self.processes if process.role not in PORTLESS]
        return {"port": ports[0], "ports": ports, "pid": next(iter(self.members.values()))}

    def stop(self) -> None:
        # Processes with sockets stop first, so that their last messages are still processed.
        for process in reversed(self.processes):
            process.stop()


def scale(plan: Plan, generator: Generator, log: Log) -> dict[str, Any]:
    """Measure every setup on every database with every number of stations."""
    results: dict[str, Any] = {"rows": {}}
    with ExitStack() as stack:
        redis = Redis(REDIS_URL)
        stack.callback(redis.close)
        templates = Templates(
            plan.folder / "scale", cards=max(plan.sizes), against=None, postgresql=plan.postgresql
        )
        stack.callback(templates.close)
        for name, roles in SETUPS.items():
            for kind, database_title in _TITLES.items():
                title = f"{name}, {database_title}"
                log(f"{title}: starting")
                folder = plan.folder / f"scale-{len(results)}"
                database = templates.template(kind).copy(folder)
                running = _start(database, redis, roles)
                results[title], results["rows"][title] = _measured(plan, running, generator, title, log)
    return results


def _measured(
    plan: Plan, running: Running, generator: Generator, title: str, log: Log
) -> tuple[dict[str, Any], str]:
    """Return figures by number of stations and the result of the row check. Raises SystemExit for a missing
    row.
    """
    sent: dict[str, int] = {}
    figures: dict[str, Any] = {}
    try:
        for size in plan.sizes:
            rounds = []
            for number in range(plan.rounds):
                log(f"{title}, {size} stations, round {number + 1}/{plan.rounds}")
                answer = generator.do(
                    "closed",
                    **running.where,
                    members=running.members,
                    version=VERSION,
                    stations=size,
                    warm=plan.warm,
                    seconds=plan.seconds,
                    prefix=f"S{size}",
                    lone=True,
                )
                for name, count in answer["sent"].items():
                    sent[name] = sent.get(name, 0) + count
                rounds.append(answer)
            figures[str(size)] = _median(rounds, running.members)
    finally:
        running.stop()
    if differences := books.differences(running.database.counts(), {VERSION: sent}):
        raise SystemExit(f"{title}: stored rows differ from sent messages: {'; '.join(differences)}")
    return figures, f"{sent['messages']} messages answered, every row stored"


def _start(database: Database, redis: Redis, roles: tuple[str, ...]) -> Running:
    if any(roles):
        cluster = Cluster(database.folder, redis, database.url, **SETTINGS)
        processes = [process for role in roles for process in cluster.add(1, role)]
        engines = {} if redis.process is None else {"Redis": redis.process.pid}
    else:
        processes = [
            LiveServer(database.folder, template=None, DATABASE_URL=database.url, **SETTINGS).start()
        ]
        engines = {}
    return Running(processes, database, members_of(processes) | database.members | engines)


def members_of(processes: list[LiveServer]) -> dict[str, int]:
    """Return the process ids by role and number."""
    return {
        f"{process.role or 'server'} {number}": process.process.pid
        for number, process in enumerate(processes, 1)
        if process.process is not None
    }


def _median(rounds: list[dict[str, Any]], members: dict[str, int]) -> dict[str, Any]:
    """Return microseconds per message by process; `us` is the sum of the server's processes, without the
    engines.
    """
    shares = {
        name: statistics.median(figures["shares"][name] / figures["counted"] * 1e6 for figures in rounds)
        for name in members
    }
    own = {name: us for name, us in shares.items() if name not in ("PostgreSQL", "Redis")}
    return {
        "us": sum(own.values()),
        "processes": own,
        "postgresql_us": shares.get("PostgreSQL"),
        "redis_us": shares.get("Redis"),
        "per_second": statistics.median(figures["per_second"] for figures in rounds),
        "latency": median_latency(figures["latency"] for figures in rounds),
        "lone": median_latency(figures["lone"] for figures in rounds),
    }
