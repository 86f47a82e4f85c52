"""Measure one process, two processes, and gateway with processor, on SQLite and PostgreSQL, with few and many
stations.

The processes are `run.py`'s roles; Redis and PostgreSQL are real, and PostgreSQL syncs as in production.
Only the generator is pinned: the servers share the other cores with Redis and PostgreSQL.
"""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import servers
from bench.machine import Generator
from bench.speed import Log, Plan
from tests.distributed.cluster import Cluster
from tests.distributed.engines import POSTGRES_URL, REDIS_URL, Postgres, Redis
from tests.servers import LiveServer

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
VERSION = "1.6"
# Roles in the order of their start; "" is the whole server in one process, which needs no Redis.
SETUPS: dict[str, tuple[str, ...]] = {
    "one process": ("",),
    "two processes": ("web", "web"),
    "gateway + processor": ("processor", "gateway"),
}
_PORTLESS = ("processor", "housekeeping")
_SETTINGS = {"OCPP_MESSAGE_LOG": "on", "OCPP_LOG_HEARTBEATS": "on", "REDIS_STATE_TTL": "30s"}


@dataclass
class Engines:
    """Redis and PostgreSQL, shared by the processes. `templates` are databases that contain the tokens."""

    redis: Redis
    postgres: Postgres
    sqlite_template: Path
    made: int = 0

    def pids(self, database: str, roles: tuple[str, ...]) -> dict[str, int]:
        """Return the processes of the engines that a setup uses and that can be measured."""
        used = {"PostgreSQL": self.postgres.process} if database == POSTGRESQL else {}
        if any(roles):
            used["Redis"] = self.redis.process
        return {name: process.pid for name, process in used.items() if process is not None}


@dataclass
class Running:
    """The processes of a setup; `members` are the measured ones."""

    processes: list[LiveServer]
    scalar: Callable[[str], Any]
    members: dict[str, int] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, Any]:
        ports = [process.port for process in self.processes if process.role not in _PORTLESS]
        return {"port": ports[0], "ports": ports, "pid": next(iter(self.members.values()))}

    def stop(self) -> None:
        # Processes with sockets stop first, so that their last messages are still processed.
        for process in reversed(self.processes):
            process.stop()


def scale(plan: Plan, generator: Generator, log: Log) -> dict[str, Any]:
    """Measure every setup on every database with every number of stations."""
    results: dict[str, Any] = {"rows": {}}
    with _engines(plan) as engines:
        for name, roles in SETUPS.items():
            for database in (SQLITE, POSTGRESQL):
                title = f"{name}, {database}"
                log(f"{title}: starting")
                running = _start(plan, engines, roles, database)
                results[title], results["rows"][title] = _measured(plan, running, generator, title, log)
    return results


@contextmanager
def _engines(plan: Plan) -> Iterator[Engines]:
    cards = max(plan.sizes)
    with ExitStack() as stack:
        redis = Redis(REDIS_URL)
        stack.callback(redis.close)
        postgres = Postgres(POSTGRES_URL, fsync="on")
        stack.callback(postgres.close)
        servers.prepare(plan.folder / "scale-pg", cards=cards, database_url=postgres.create("ocpp_bench"))
        sqlite_template = servers.prepare(plan.folder / "scale-template", cards=cards)
        yield Engines(redis, postgres, sqlite_template)


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
    if differences := servers.differences(running.scalar, {VERSION: sent}):
        raise SystemExit(f"{title}: stored rows differ from sent messages: {'; '.join(differences)}")
    return figures, f"{sent['messages']} messages answered, every row stored"


def _start(plan: Plan, engines: Engines, roles: tuple[str, ...], database: str) -> Running:
    engines.made += 1
    folder = plan.folder / f"scale-{engines.made}"
    folder.mkdir()
    url, template, scalar = "", None, _sqlite(folder / "db.sqlite3")
    if database == POSTGRESQL:
        url = engines.postgres.create(f"ocpp_bench_{engines.made}", "ocpp_bench")
        scalar = _postgresql(url)
    else:
        template = engines.sqlite_template
    if not any(roles):
        processes = [LiveServer(folder, template=template, DATABASE_URL=url, **_SETTINGS).start()]
    else:
        if template is not None:
            (folder / "db.sqlite3").write_bytes(template.read_bytes())
        cluster = Cluster(folder, engines.redis, url, **_SETTINGS)
        processes = [process for role in roles for process in cluster.add(1, role)]
    members = {
        f"{process.role or 'server'} {number}": process.process.pid
        for number, process in enumerate(processes, 1)
        if process.process is not None
    }
    return Running(processes, scalar, members | engines.pids(database, roles))


def _sqlite(path: Path) -> Callable[[str], Any]:
    def scalar(query: str) -> Any:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(query).fetchone()[0]

    return scalar


def _postgresql(url: str) -> Callable[[str], Any]:
    def scalar(query: str) -> Any:
        with psycopg.connect(url) as connection:
            row = connection.execute(query).fetchone()
            assert row is not None
            return row[0]

    return scalar


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
        "latency": _latency(rounds, "latency"),
        "lone": _latency(rounds, "lone"),
    }


def _latency(rounds: list[dict[str, Any]], kind: str) -> dict[str, float]:
    measured = [figures[kind] for figures in rounds if figures[kind]]
    return (
        {name: statistics.median(each[name] for each in measured) for name in measured[0]} if measured else {}
    )
