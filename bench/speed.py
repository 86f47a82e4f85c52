"""The cost of a message and its latency: in a closed loop, at fixed rates, in bursts."""

from __future__ import annotations

from typing import Any

from bench.cases import Case, measure
from bench.databases import SQLITE, Templates
from bench.machine import Generator
from bench.plan import Log, Plan

Results = dict[str, Any]


def speed(plan: Plan, templates: Templates, generator: Generator, log: Log) -> Results:
    """Measure messages per CPU-second: the median of the ratios in alternating rounds."""
    return {"cases": measure(_speed(plan), plan, templates, generator, log)}


def _speed(plan: Plan) -> list[Case]:
    cases = []
    for version in plan.versions:
        for samples in plan.samples:
            # PostgreSQL is not pinned, so its server is not either.
            pinnings = plan.pinning if plan.database == SQLITE else (False,)
            shared: dict[str, Any] = {"samples": samples, "database": plan.database}
            for pinned in pinnings if "closed" in plan.loads else ():
                # The ceiling and daphne do not depend on the samples enough to be worth more rounds.
                is_first = samples == plan.samples[0] and pinned == pinnings[0]
                daphne = is_first and plan.daphne
                cases.append(Case("speed", version, pinned=pinned, bare=is_first, daphne=daphne, **shared))
            if "paced" in plan.loads:
                cases.append(Case("speed", version, "paced", rate=plan.rate, pinned=False, **shared))
    return cases


def paced(plan: Plan, templates: Templates, generator: Generator, log: Log) -> Results:
    """Measure latency at a fixed rate, and of the plain package at the same rate."""
    cases = [Case("paced", version, "paced", rate=plan.latency_rate) for version in plan.versions]
    return {"cases": measure(cases, plan, templates, generator, log)}


def usual(plan: Plan, templates: Templates, generator: Generator, log: Log) -> Results:
    """Measure the cost of a message where batches are small: at rates of a fleet that is not busy."""
    cases = [
        Case(
            "usual",
            version,
            "paced",
            rate=rate,
            pinned=False,
            bare=True,
            database=plan.database,
            seconds=max(plan.seconds, plan.usual_messages / rate),
        )
        for version in plan.versions
        for rate in plan.usual_rates
    ]
    return {"cases": measure(cases, plan, templates, generator, log)}


def burst(plan: Plan, templates: Templates, generator: Generator, log: Log) -> Results:
    """Measure what one station's Heartbeat waits while all others send a cycle at once."""
    cases = [
        Case("burst", version, "burst", pinned=False, database=plan.database) for version in plan.versions
    ]
    return {"cases": measure(cases, plan, templates, generator, log)}
