"""The cost of a device model: a NotifyReport of 2,000 variables in parts (2.0.1 B07)."""

from __future__ import annotations

from typing import Any

from bench import servers
from bench.cases import checked
from bench.conversations import VARIABLES, VARIABLES_A_PART
from bench.databases import Templates
from bench.machine import Generator
from bench.plan import Log, Plan


def reports(plan: Plan, templates: Templates, generator: Generator, log: Log) -> dict[str, Any]:
    """Let stations report their variables: first as unknown ones, then with other values."""
    template = templates.template(plan.database)
    folder = plan.folder / "reports"
    ours = servers.ours(template, folder, plan.first_port, core=None)
    running = [ours, servers.plain(folder, plan.first_port, core=None)]
    measured: dict[str, Any] = {}
    try:
        for server in running:
            server.wait()
            for name, count, unknown in (("first report", 1, plan.reporting), ("again", plan.rounds, 0)):
                log(f"{plan.reporting} stations report {VARIABLES} variables, {name}: {server.name}")
                figures = generator.do(
                    "reports",
                    **server.where,
                    version="2.0.1",
                    stations=plan.reporting,
                    reports=count,
                    unknown=unknown,
                    prefix="REPORT",
                    pinned=False,
                )
                server.account("2.0.1", figures.pop("sent"))
                measured[f"{server.name}, {name}"] = figures
    finally:
        for server in running:
            server.stop()
    return {
        "stations": plan.reporting,
        "variables": VARIABLES,
        "parts": VARIABLES // VARIABLES_A_PART,
        "servers": measured,
        "rows": checked([ours]),
        "disk": ours.bytes_per_message(),
    }
