"""The cost of connections: a thousand boots at once, and the memory of stations that are silent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import databases, servers
from bench.cases import checked
from bench.databases import SQLITE, Templates
from bench.machine import Generator, allow_open_files, require_memory
from bench.plan import Log, Plan
from bench.servers import Server
from tests.distributed.cluster import Cluster
from tests.distributed.engines import REDIS_URL, Redis
from tests.servers import LiveServer

Results = dict[str, Any]
# Bytes of a silent station at the server and at the generator together, generously.
_MEMORY_EACH = 60_000
_OTHER_FILES = 1000


def boots(plan: Plan, templates: Templates, generator: Generator, log: Log) -> Results:
    """Connect and boot all stations at once, first as new stations, which the server must create."""
    results: Results = {"stations": plan.boots}
    running = [
        servers.ours(templates.template(SQLITE), plan.folder / "boots", plan.first_port),
        servers.plain(plan.folder / "boots", plan.first_port),
    ]
    groups = ("new stations", "the same again")
    try:
        for server in running:
            server.wait()
            for group in groups:
                log(f"{plan.boots} boots at once, {group}: {server.name}")
                figures = generator.do(
                    "boots", **server.where, version="1.6", stations=plan.boots, prefix="NEW"
                )
                server.account("1.6", figures.pop("sent"))
                results[f"{server.name}, {group}"] = figures
    finally:
        for server in running:
            server.stop()
    for group in groups:
        base = results[f"plain ocpp, {group}"]["latency"]["p99"]
        for server in running:
            row = results[f"{server.name}, {group}"]
            row["ratio"] = row["latency"]["p99"] / base
    results["rows"] = checked([server for server in running if server.database is not None])
    return results


def idle(plan: Plan, templates: Templates, generator: Generator, log: Log) -> Results:
    """Measure the memory of booted, silent connections, after a warm-up with a hundred of them; then connect
    many to two processes and restart these.
    """
    results: Results = {"connections": plan.idle, "servers": {}}
    template, folder = templates.template(SQLITE), plan.folder / "idle"
    starts: tuple[Callable[[], Server], ...] = (
        lambda: servers.ours(template, folder, plan.first_port),
        lambda: servers.plain(folder, plan.first_port),
        lambda: servers.bare(folder, plan.first_port),
    )
    for start in starts if plan.idle else ():
        server = start()
        try:
            server.wait()
            log(f"{plan.idle} idle connections: {server.name}")
            warm = {**server.where, "version": "1.6", "settle": 0.5}
            generator.do("idle", **warm, stations=100, prefix="WARM")
            figures = generator.do("idle", **(warm | {"settle": 3.0}), stations=plan.idle, prefix="IDLE")
        finally:
            server.stop()
        results["servers"][server.name] = {
            "kib": figures["per_connection"] / 1024,
            "mib_before": figures["before"] / 2**20,
            "mib_after": figures["after"] / 2**20,
        }
    for row in results["servers"].values():
        row["ratio"] = row["kib"] / results["servers"]["plain ocpp"]["kib"]
    if plan.silent:
        results["silent"] = _silent(plan, generator, log)
    return results


def check_limits(plan: Plan) -> None:
    """Raises SystemExit when this machine can't hold the silent stations. It must run before the generator
    starts, which inherits the limit of open files.
    """
    if plan.silent:
        allow_open_files(plan.silent + _OTHER_FILES)
        require_memory(plan.silent * _MEMORY_EACH, f"idle with {plan.silent:,} stations")


def _silent(plan: Plan, generator: Generator, log: Log) -> Results:
    """Two web processes with Redis. The stations are known; all are lost by the restart of both processes."""
    with ExitStack() as stack:
        redis = Redis(REDIS_URL)
        stack.callback(redis.close)
        folder = plan.folder / "silent"
        database = databases.empty(folder, plan.database, stack, settings=plan.postgresql)
        log(f"{plan.silent} silent stations: writing rows")
        database.run("rows.py", "100", str(plan.silent))
        processes = _two(folder, redis, database.url, stack)
        ports = [process.port for process in processes]
        shared = {"ports": ports, "port": ports[0], "version": "1.6", "pinned": False}
        log(f"{plan.silent} silent stations at two processes: connecting")
        warm = {"prefix": "WARM", "stations": 200, "settle": 0.5, "pid": _pids(processes)[0]}
        generator.do("idle", **shared, **warm)
        many = shared | {"settle": 3.0, "identity": "LIST-%05d", "stations": plan.silent}
        connected = generator.do("hold", **many, pids=_pids(processes))
        log(f"{plan.silent} silent stations: restart")
        for process in processes:
            process.stop()
        for process in processes:
            process.start()
        back = generator.do("back", **many, pids=_pids(processes))
        generator.do("release")
        return {
            "stations": plan.silent,
            "database": plan.database,
            "connected": connected["connected"],
            "seconds": connected["seconds"],
            "boot": connected["boot"],
            "kib": connected["per_connection"] / 1024,
            "mib_before": connected["before"] / 2**20,
            "mib_after": connected["after"] / 2**20,
            "back": back["connected"],
            "back_seconds": back["seconds"],
            "back_boot": back["boot"],
            "mib_after_restart": back["after"] / 2**20,
        }


def _two(folder: Path, redis: Redis, url: str, stack: ExitStack) -> list[LiveServer]:
    cluster = Cluster(folder, redis, url, OCPP_MESSAGE_LOG="on", REDIS_STATE_TTL="30s")
    stack.callback(cluster.stop)
    return [*cluster.add(1, "web"), *cluster.add(1, "web")]


def _pids(processes: list[LiveServer]) -> list[int]:
    return [process.process.pid for process in processes if process.process is not None]
