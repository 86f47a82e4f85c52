"""Output of a simulation: a progress line while it runs, then a table and a description of failures."""

import asyncio
import sys
import time
from typing import Any, TextIO

from simulator.handshake import NOT_LISTENING
from simulator.station_group import StationGroup


def summary(group: StationGroup, *, online: int, seconds: float) -> dict[str, Any]:
    """Return the results as a dict for JSON; latencies in milliseconds, energy in Wh."""
    return {
        "stations": len(group.stations),
        "accepted": group.accepted,
        "not_accepted": group.not_accepted,
        "online_at_end": online,
        "seconds": round(seconds, 2),
        "sessions": group.sessions_done,
        "sessions_refused": group.sessions_refused,
        "energy_wh": group.energy_wh,
        "answers": group.latencies.answers,
        "answers_per_second": round(group.latencies.answers / max(seconds, 0.001), 1),
        "errors": group.latencies.errors,
        "actions": group.latencies.summary(),
    }


def failure_sentence(stations: int, accepted: int, not_accepted: dict[str, int], url: str) -> str | None:
    """Return a sentence about the stations that were never accepted, with reasons; None when all were
    accepted.
    """
    if not not_accepted:
        return None
    subject = (
        f"{sum(not_accepted.values())} of {stations} stations were not" if accepted else "No station was"
    )
    why = "; ".join(
        reason if len(not_accepted) == 1 else f"{reason} ({count} of them)"
        for reason, count in not_accepted.items()
    )
    hint = " Start a server with python3 run.py; HTTP_PORT or --url sets its address."
    return f"{subject} accepted at {url}: {why}.{hint if NOT_LISTENING in not_accepted else ''}"


class Progress:
    """A progress line: rewritten on a terminal, printed every few seconds elsewhere."""

    def __init__(self, group: StationGroup, out: TextIO, began: float) -> None:
        self.group, self.out, self.began = group, out, began
        self.terminal = out.isatty()

    async def run(self, *, quiet: bool) -> None:
        every = 0.5 if self.terminal else 5.0
        last = 0
        while not quiet:
            await asyncio.sleep(every)
            answers = self.group.latencies.answers
            line = (
                f"{time.monotonic() - self.began:6.0f} s"
                f"  online {self.group.online}/{len(self.group.stations)}"
                f"  charging {self.group.charging_now}  sessions {self.group.sessions_done}"
                f"  answers {answers} ({(answers - last) / every:.0f}/s)"
                f"  errors {self.group.latencies.errors}"
            )
            last = answers
            self.out.write(f"\r\x1b[2K{line}" if self.terminal else line + "\n")
            self.out.flush()


def write_table(report: dict[str, Any], out: TextIO) -> None:
    """Write the summary as text."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
    out.write(
        f"{report['stations']} stations, {report['online_at_end']} online at the end, "
        f"{report['seconds']:.0f} s: "
        f"{report['sessions']} sessions ({report['sessions_refused']} refused), "
        f"{report['energy_wh'] / 1000:.2f} kWh, "
        f"{report['answers']} answers, {report['errors']} errors\n"
    )
    if report["sessions_refused"]:
        out.write(
            "The server refused the tokens of these sessions. Pass known tokens with --tokens, or start the "
            "server with OCPP_UNKNOWN_TOKENS=accept.\n"
        )
    if not report["actions"]:
        return
    out.write(
        f"\n{'action':<30}{'count':>8}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'max ms':>10}{'errors':>8}\n"
    )
    for row in report["actions"]:
        kinds = ", ".join(f"{kind} {count}" for kind, count in row["error_kinds"].items())
        out.write(
            f"{row['action']:<30}{row['count']:>8}{row['p50_ms']:>10.2f}{row['p95_ms']:>10.2f}{row['p99_ms']:>10.2f}"
            f"{row['max_ms']:>10.2f}{row['errors']:>8}  {kinds}".rstrip()
            + "\n"
        )
