"""The measurements. Each returns figures and their ratios to a baseline of the same run."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import servers
from bench.machine import Generator
from bench.servers import Server

Log = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Durations and amounts of a measurement."""

    folder: Path
    first_port: int
    stations: int = 100
    seconds: float = 4.0
    warm: float = 1.0
    rounds: int = 3
    idle: int = 5000
    boots: int = 1000
    rate: int = 1000
    sizes: tuple[int, ...] = (100, 1000, 5000)
    rest_stations: int = 10_000
    rest_transactions: int = 1_000_000
    versions: tuple[str, ...] = ("1.6", "2.0.1")
    daphne: bool = True
    against: Path | None = None


def closed_loop(plan: Plan, template: Path, generator: Generator, log: Log) -> dict[str, Any]:
    """Measure messages per CPU-second of every server in alternating rounds; the result is the median of the
    ratios.
    """
    running = [
        servers.ours(plan.folder / "uvicorn", template, plan.first_port),
        servers.plain(plan.folder / "plain", plan.first_port),
        servers.bare(plan.folder / "bare", plan.first_port),
    ]
    if plan.against is not None:
        other = servers.ours(plan.folder / "against", template, plan.first_port, root=plan.against)
        running.insert(1, other)
    if plan.daphne:
        running.append(servers.ours(plan.folder / "daphne", template, plan.first_port, asgi="daphne"))
    results: dict[str, Any] = {}
    try:
        for version in plan.versions:
            rounds: dict[str, list[dict[str, Any]]] = {server.name: [] for server in running}
            for number in range(plan.rounds):
                for server in running:
                    log(f"{version} round {number + 1}/{plan.rounds}: {server.name}")
                    figures = generator.do(
                        "closed",
                        **server.where,
                        version=version,
                        stations=plan.stations,
                        warm=plan.warm,
                        seconds=plan.seconds,
                        prefix=f"B{version[0]}",
                        lone=True,
                    )
                    server.account(version, figures["sent"])
                    rounds[server.name].append(figures)
            results[version] = _medians(rounds)
    finally:
        for server in running:
            server.stop()
    results["rows"] = _checked(running)
    return results


def _medians(rounds: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    plain = [figures["per_cpu_second"] for figures in rounds["plain ocpp"]]
    table = {}
    for name, all_figures in rounds.items():
        ratios = [figures["per_cpu_second"] / base for figures, base in zip(all_figures, plain, strict=True)]
        table[name] = {
            "per_cpu_second": statistics.median(f["per_cpu_second"] for f in all_figures),
            "us": statistics.median(f["us"] for f in all_figures),
            "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
            "per_second": statistics.median(f["per_second"] for f in all_figures),
            "latency": _median_latency(f["latency"] for f in all_figures),
            "lone": _median_latency(f["lone"] for f in all_figures),
            "messages": sum(f["sent"]["messages"] for f in all_figures),
        }
    return table


def _median_latency(latencies: Any) -> dict[str, float]:
    all_of_them = [latency for latency in latencies if latency]
    if not all_of_them:
        return {}
    return {name: statistics.median(latency[name] for latency in all_of_them) for name in all_of_them[0]}


def _checked(running: list[Server]) -> dict[str, str]:
    """Check that every row was stored. Raises SystemExit for a missing row: such a run has no value."""
    verdicts = {}
    for server in running:
        if server.database is None:
            continue
        differences = server.lost()
        if differences:
            raise SystemExit(f"{server.name} stores other rows than were sent: {'; '.join(differences)}")
        count = sum(sent["messages"] for sent in server.sent.values())
        verdicts[server.name] = f"{count} messages answered, every row stored"
    return verdicts


def paced(plan: Plan, template: Path, generator: Generator, log: Log) -> dict[str, Any]:
    """Measure latency at a fixed rate, and of the plain package at the same rate."""
    running = [
        servers.ours(plan.folder / "paced", template, plan.first_port),
        servers.plain(plan.folder / "paced", plan.first_port),
    ]
    results: dict[str, Any] = {"rate": plan.rate}
    try:
        for version in plan.versions:
            rounds: dict[str, list[dict[str, Any]]] = {server.name: [] for server in running}
            for number in range(plan.rounds):
                for server in running:
                    log(f"{plan.rate}/s, {version} round {number + 1}/{plan.rounds}: {server.name}")
                    figures = generator.do(
                        "paced",
                        **server.where,
                        version=version,
                        stations=plan.stations,
                        rate=plan.rate,
                        warm=plan.warm,
                        seconds=plan.seconds,
                        prefix=f"P{version[0]}",
                    )
                    server.account(version, figures["sent"])
                    rounds[server.name].append(figures)
            table = {
                name: {
                    "latency": _median_latency(f["latency"] for f in each),
                    "per_second": statistics.median(f["per_second"] for f in each),
                }
                for name, each in rounds.items()
            }
            base = table["plain ocpp"]["latency"]["p99"]
            for row in table.values():
                row["ratio"] = row["latency"]["p99"] / base
            results[version] = table
    finally:
        for server in running:
            server.stop()
    results["rows"] = _checked(running)
    return results


def boots(plan: Plan, template: Path, generator: Generator, log: Log) -> dict[str, Any]:
    """Connect and boot all stations at once, first as new stations, which the server must create."""
    results: dict[str, Any] = {"stations": plan.boots}
    running = [
        servers.ours(plan.folder / "boots", template, plan.first_port),
        servers.plain(plan.folder / "boots", plan.first_port),
    ]
    try:
        for server in running:
            for group, prefix in (("new stations", "NEW"), ("the same again", "NEW")):
                log(f"{plan.boots} boots at once, {group}: {server.name}")
                figures = generator.do(
                    "boots", **server.where, version="1.6", stations=plan.boots, prefix=prefix
                )
                server.account("1.6", figures.pop("sent"))
                results[f"{server.name}, {group}"] = figures
    finally:
        for server in running:
            server.stop()
    for group in ("new stations", "the same again"):
        base = results[f"plain ocpp, {group}"]["latency"]["p99"]
        for server in running:
            row = results[f"{server.name}, {group}"]
            row["ratio"] = row["latency"]["p99"] / base
    results["rows"] = _checked(running)
    return results


def idle(plan: Plan, template: Path, generator: Generator, log: Log) -> dict[str, Any]:
    """Measure the memory of booted, silent connections, after a warm-up with a hundred of them."""
    results: dict[str, Any] = {"connections": plan.idle}
    starts: tuple[Callable[[], Server], ...] = (
        lambda: servers.ours(plan.folder / "idle", template, plan.first_port),
        lambda: servers.plain(plan.folder / "idle", plan.first_port),
        lambda: servers.bare(plan.folder / "idle", plan.first_port),
    )
    for start in starts:
        server = start()
        try:
            log(f"{plan.idle} idle connections: {server.name}")
            warm = {**server.where, "version": "1.6", "settle": 0.5}
            generator.do("idle", **warm, stations=100, prefix="WARM")
            figures = generator.do("idle", **(warm | {"settle": 3.0}), stations=plan.idle, prefix="IDLE")
        finally:
            server.stop()
        results[server.name] = {
            "kib": figures["per_connection"] / 1024,
            "mib_before": figures["before"] / 2**20,
            "mib_after": figures["after"] / 2**20,
        }
    base = results["plain ocpp"]["kib"]
    for name in ("server (uvicorn)", "plain ocpp", "bare socket"):
        results[name]["ratio"] = results[name]["kib"] / base
    return results
