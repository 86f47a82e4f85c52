"""What a simulation shows: a line while it runs, a table and what went wrong when it has ended."""

import asyncio
import sys
import time
from typing import Any, TextIO

from simulator.crowd import Crowd
from simulator.handshake import NOBODY


def summary(crowd: Crowd, *, online: int, seconds: float) -> dict[str, Any]:
    """What happened, as one JSON-ready dict; latencies in milliseconds, energy in Wh."""
    return {
        "stations": len(crowd.stations),
        "accepted": crowd.accepted,
        "not_accepted": crowd.kept_out,
        "online_at_end": online,
        "seconds": round(seconds, 2),
        "sessions": crowd.sessions_done,
        "sessions_refused": crowd.sessions_refused,
        "energy_wh": crowd.energy_wh,
        "answers": crowd.latencies.answers,
        "answers_per_second": round(crowd.latencies.answers / max(seconds, 0.001), 1),
        "errors": crowd.latencies.errors,
        "actions": crowd.latencies.summary(),
    }


def complaint(stations: int, accepted: int, kept_out: dict[str, int], url: str) -> str | None:
    """Which stations were never accepted, where and why, in a sentence; None when all were."""
    if not kept_out:
        return None
    who = f"{sum(kept_out.values())} of {stations} stations were not" if accepted else "No station was"
    why = "; ".join(
        reason if len(kept_out) == 1 else f"{reason} ({count} of them)" for reason, count in kept_out.items()
    )
    hint = " python3 run.py starts a server; HTTP_PORT or --url says where it is."
    return f"{who} accepted at {url}: {why}.{hint if NOBODY in kept_out else ''}"


class Progress:
    """One line that is rewritten on a terminal, a line every few seconds elsewhere."""

    def __init__(self, crowd: Crowd, out: TextIO, began: float) -> None:
        self.crowd, self.out, self.began = crowd, out, began
        self.terminal = out.isatty()

    async def run(self, *, quiet: bool) -> None:
        every = 0.5 if self.terminal else 5.0
        last = 0
        while not quiet:
            await asyncio.sleep(every)
            answers = self.crowd.latencies.answers
            line = (
                f"{time.monotonic() - self.began:6.0f} s"
                f"  online {self.crowd.online}/{len(self.crowd.stations)}"
                f"  charging {self.crowd.charging_now}  sessions {self.crowd.sessions_done}"
                f"  answers {answers} ({(answers - last) / every:.0f}/s)"
                f"  errors {self.crowd.latencies.errors}"
            )
            last = answers
            self.out.write(f"\r\x1b[2K{line}" if self.terminal else line + "\n")
            self.out.flush()


def write_table(report: dict[str, Any], out: TextIO) -> None:
    """The summary for people."""
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
            "The server did not take the cards of the refused sessions: name known ones with --tokens, or "
            "start it with OCPP_UNKNOWN_TOKENS=accept.\n"
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
