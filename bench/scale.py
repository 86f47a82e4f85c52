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

from bench import books, roles
from bench.cases import median_latency
from bench.databases import POSTGRESQL, SQLITE, Database, Templates
from bench.machine import ROOT, Generator
from bench.plan import Log, Plan
from bench.roles import PORTLESS
from bench.servers import Server
from tests.distributed.engines import REDIS_URL, Redis

_TITLES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}
VERSION = "1.6"
# Roles in the order of their start; "" is the whole server in one process, which needs no Redis.
SETUPS: dict[str, tuple[str, ...]] = {
    "one process": ("",),
    "two processes": ("web", "web"),
    "gateway + processor": ("processor", "gateway"),
}


@dataclass
class Running:
    """The processes of a setup; `members` are the measured ones."""

    roles: tuple[str, ...]
    processes: list[Server]
    database: Database
    members: dict[str, int]
    sent: dict[str, int] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, Any]:
        ports = [
            process.port
            for role, process in zip(self.roles, self.processes, strict=True)
            if role not in PORTLESS
        ]
        return {
            "port": ports[0],
            "ports": ports,
            "pid": next(iter(self.members.values())),
            "members": self.members,
        }

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
            plan.folder / "scale", cards=max(plan.sizes), against=plan.against, postgresql=plan.postgresql
        )
        stack.callback(templates.close)
        for name, setup in SETUPS.items():
            for kind, database_title in _TITLES.items():
                title = f"{name}, {database_title}"
                log(f"{title}: starting")
                running: dict[str, Running] = {}
                try:
                    for number, root in enumerate(templates.roots):
                        folder = plan.folder / f"scale-{len(results)}-{number}"
                        database = templates.template(kind, root).copy(folder)
                        name_of = title if root == ROOT else f"{title}, the other checkout"
                        running[name_of] = _start(database, redis, setup, plan.first_port)
                    results |= _measured(plan, running, generator, log)
                finally:
                    for each in running.values():
                        each.stop()
                results["rows"] |= {title: _checked(title, each) for title, each in running.items()}
    return results


def _measured(plan: Plan, running: dict[str, Running], generator: Generator, log: Log) -> dict[str, Any]:
    """Return figures by setup and number of stations, of all setups in turns."""
    figures: dict[str, Any] = {title: {} for title in running}
    for size in plan.sizes:
        rounds: dict[str, list[dict[str, Any]]] = {title: [] for title in running}
        for number in range(plan.rounds):
            for title, each in running.items():
                log(f"{title}, {size} stations, round {number + 1}/{plan.rounds}")
                answer = generator.do(
                    "closed",
                    **each.where,
                    version=VERSION,
                    stations=size,
                    warm=plan.warm,
                    seconds=plan.seconds,
                    prefix=f"S{size}",
                    lone=True,
                )
                for name, count in answer["sent"].items():
                    each.sent[name] = each.sent.get(name, 0) + count
                rounds[title].append(answer)
        for title, each in running.items():
            figures[title][str(size)] = _median(rounds[title], each.members)
    return figures


def _checked(title: str, stopped: Running) -> str:
    """Raises SystemExit for a missing row."""
    if differences := books.differences(stopped.database.counts(), {VERSION: stopped.sent}):
        raise SystemExit(f"{title}: stored rows differ from sent messages: {'; '.join(differences)}")
    return f"{stopped.sent['messages']} messages answered, every row stored"


def _start(database: Database, redis: Redis, setup: tuple[str, ...], first_port: int) -> Running:
    processes = roles.start(database, redis, setup, first_port)
    engines = dict(database.members)
    if any(setup) and redis.process is not None:
        engines["Redis"] = redis.process.pid
    return Running(setup, processes, database, {each.name: each.process.pid for each in processes} | engines)


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
