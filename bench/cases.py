"""One kind of load on all servers in turns: figures, ratios to the plain package, books, bytes on disk."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from bench import servers
from bench.databases import API_KEY, SQLITE, Templates
from bench.machine import SERVER_CORE, Generator
from bench.plan import Log, Plan
from bench.servers import Server

Figures = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A load: `job` is the generator's, `rate` in messages a second belongs to a paced one. Without `pinned`
    the server and the generator run on any core.
    """

    part: str
    version: str
    job: str = "closed"
    samples: int = 3
    rate: int = 0
    pinned: bool = True
    database: str = SQLITE
    seconds: float = 0.0
    daphne: bool = False
    bare: bool = False

    @property
    def name(self) -> str:
        rate = f" {self.rate}/s" if self.job == "paced" else ""
        pinned = "pinned" if self.pinned else "not pinned"
        return f"{self.version} {self.samples} samples {self.job}{rate} {pinned} {self.database}"

    @property
    def core(self) -> int | None:
        return SERVER_CORE if self.pinned else None


def measure(
    cases: Iterable[Case], plan: Plan, templates: Templates, generator: Generator, log: Log
) -> list[Figures]:
    """Measure each case with new servers. Raises SystemExit when a row is missing."""
    return [_measured(case, plan, templates, generator, log) for case in cases]


def _measured(case: Case, plan: Plan, templates: Templates, generator: Generator, log: Log) -> Figures:
    rounds: dict[str, list[Figures]] = {}
    with _running(case, plan, templates) as running:
        for number in range(plan.rounds):
            for server in running:
                log(f"{case.part}, {case.name}, round {number + 1}/{plan.rounds}: {server.name}")
                figures = generator.do(
                    case.job,
                    **server.where,
                    version=case.version,
                    samples=case.samples,
                    stations=plan.stations,
                    rate=case.rate,
                    warm=plan.warm,
                    seconds=case.seconds or plan.seconds,
                    prefix=f"{case.part[0].upper()}{case.version[0]}",
                    pinned=case.pinned,
                    lone=case.job == "closed",
                    **({"api_key": API_KEY} if server.database is not None else {}),
                )
                server.account(case.version, figures["sent"])
                rounds.setdefault(server.name, []).append(figures)
    kept = [server for server in running if server.database is not None]
    return {
        **asdict(case),
        "servers": _table(rounds),
        "rows": checked(kept),
        "disk": {server.name: server.bytes_per_message() for server in kept},
    }


@contextmanager
def _running(case: Case, plan: Plan, templates: Templates) -> Iterator[list[Server]]:
    """Start the servers, each with an empty database, and stop them."""
    running: list[Server] = []
    folder = plan.folder / case.name.replace("/", "-").replace(" ", "-").replace(".", "-")
    first_port = plan.first_port
    try:
        for number, root in enumerate(templates.roots):
            template = templates.template(case.database, root)
            place = folder.with_name(f"{case.part}-{folder.name}-{number}")
            running.append(servers.ours(template, place, first_port, core=case.core))
        running.append(servers.plain(folder, first_port, core=case.core))
        if case.bare:
            running.append(servers.bare(folder, first_port, core=case.core))
        if case.daphne:
            template = templates.template(case.database)
            running.append(servers.ours(template, folder, first_port, asgi="daphne", core=case.core))
        for server in running:
            server.wait()
        yield running
    finally:
        for server in running:
            server.stop()


def _table(rounds: dict[str, list[Figures]]) -> dict[str, Figures]:
    plain = [figures["per_cpu_second"] for figures in rounds["plain ocpp"]]
    return {name: _row(all_figures, plain) for name, all_figures in rounds.items()}


def _row(rounds: list[Figures], plain: list[float]) -> Figures:
    # A quick window may be too short for the clock of the processor time.
    ratios = [f["per_cpu_second"] / base for f, base in zip(rounds, plain, strict=True) if base] or [0.0]
    batches = [figures["batch"] for figures in rounds if figures["batch"] is not None]
    shares = [f["shares"]["PostgreSQL"] / f["counted"] * 1e6 for f in rounds if f["shares"] and f["counted"]]
    return {
        "per_cpu_second": statistics.median(f["per_cpu_second"] for f in rounds),
        "us": statistics.median(f["us"] for f in rounds),
        "postgresql_us": statistics.median(shares) if shares else None,
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "per_second": statistics.median(f["per_second"] for f in rounds),
        "cores": statistics.median(f["cpu"] / f["seconds"] for f in rounds),
        "batch": statistics.median(batches) if batches else None,
        "latency": median_latency(f["latency"] for f in rounds),
        "lone": median_latency(f["lone"] for f in rounds),
        "burst": median_latency(f.get("burst") for f in rounds),
        "messages": sum(f["sent"]["messages"] for f in rounds),
    }


def median_latency(latencies: Iterable[Any]) -> dict[str, float]:
    """Milliseconds by percentile: the median of the rounds."""
    measured = [latency for latency in latencies if latency]
    return (
        {name: statistics.median(each[name] for each in measured) for name in measured[0]} if measured else {}
    )


def checked(stopped: list[Server]) -> dict[str, str]:
    """Check that every row was stored. Raises SystemExit for a missing row: such a run has no value."""
    verdicts = {}
    for server in stopped:
        if lost := server.lost():
            raise SystemExit(f"{server.name} stores other rows than were sent: {'; '.join(lost)}")
        count = sum(sent["messages"] for sent in server.sent.values())
        verdicts[server.name] = f"{count} messages answered, every row stored"
    return verdicts
