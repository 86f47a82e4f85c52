"""The simulator on the command line: options, progress, summary, exit code."""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
import time
from typing import Any, TextIO

from simulator.crowd import Crowd
from simulator.demo import Demo
from simulator.fleet import Fleet
from simulator.versions import parse_versions

DEFAULT_URL = "ws://127.0.0.1:8081/ocpp"
_PARENT_EVERY_S = 1.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Seconds of a duration such as ``90``, ``60s`` or ``1m30s``; a ValueError says what is expected."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 60s, 5m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _versions(text: str) -> tuple[str, ...]:
    try:
        return parse_versions(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `manage.py simulate` and of `python -m simulator`."""
    parser.add_argument(
        "--url", default=DEFAULT_URL, help="endpoint without the identity (default %(default)s)"
    )
    parser.add_argument("--stations", type=int, default=3, metavar="N", help="how many (default %(default)s)")
    parser.add_argument("--duration", type=duration, default=60.0, help="60s, 5m, 1h30m (default 60s)")
    parser.add_argument(
        "--versions",
        type=_versions,
        default=_versions("1.6,2.0.1,2.1"),
        metavar="LIST",
        help="OCPP versions, taken in turn (default 1.6,2.0.1,2.1)",
    )
    parser.add_argument(
        "--prefix", default="SIM", help="identities are PREFIX-00001 and up (default %(default)s)"
    )
    parser.add_argument("--password", default=None, help="Basic authentication password of every station")
    parser.add_argument(
        "--speed",
        type=_positive,
        default=1.0,
        help="how much faster than real time timers and meters run (default 1)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same behaviour (default 0)"
    )
    parser.add_argument(
        "--tokens",
        default="",
        metavar="LIST",
        help="tokens the drivers use; without it each station has one named like itself",
    )
    parser.add_argument("--free", action="store_true", help="charge without asking whether the token may")
    parser.add_argument(
        "--idle", action="store_true", help="boot and beat only: the cheap way to many connections"
    )
    parser.add_argument(
        "--ramp", type=duration, default=0.0, help="spread the start over this time (default 0s)"
    )
    parser.add_argument(
        "--demo", action="store_true", help="six named stations that keep charging until they are stopped"
    )
    parser.add_argument(
        "--with-parent",
        type=int,
        default=None,
        metavar="PID",
        help="end when this process, which started the simulation, is gone",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: dict[str, Any]) -> int:
    """Run as told; returns the exit code: 0, or 1 when anything went wrong. Ctrl-C ends with the summary."""
    if options["stations"] < 1:
        sys.stderr.write("--stations must be at least 1\n")
        return 2
    return asyncio.run(_run(options))


async def _run(options: dict[str, Any]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    crowd: Demo | Fleet
    starting: asyncio.Task[int] | asyncio.Task[None]
    if options["demo"]:
        crowd = Demo(
            options["url"], speed=options["speed"], seed=options["seed"], password=options["password"]
        )
        starting = asyncio.create_task(crowd.start())
    else:
        crowd = _fleet(options)
        starting = asyncio.create_task(crowd.start(over_s=options["ramp"]))
    began = time.monotonic()
    progress = _Progress(crowd, sys.stderr, began)
    ticking = asyncio.create_task(progress.run(quiet=options["json"]))
    watching = asyncio.create_task(_end_with(options["with_parent"], stop))
    try:
        ends_in = None if options["demo"] else options["duration"]
        try:
            async with asyncio.timeout(ends_in):
                await stop.wait()
        except TimeoutError:
            pass
    finally:
        online = crowd.online
        ended = (ticking, starting, watching)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        await crowd.stop()
    report = summary(crowd, online=online, seconds=time.monotonic() - began)
    if options["json"]:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        _write_table(report, sys.stdout)
    # A demonstration lives through restarts of its server; what it counted is shown, but ending it is no
    # failure.
    return 1 if report["errors"] and not options["demo"] else 0


async def _end_with(parent: int | None, stop: asyncio.Event) -> None:
    """Stop when the parent is gone: one that was killed could tell nobody, and who loses it gets another."""
    if parent is None:
        return
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_EVERY_S)
    stop.set()


def _fleet(options: dict[str, Any]) -> Fleet:
    return Fleet(
        options["url"],
        options["stations"],
        versions=options["versions"],
        prefix=options["prefix"],
        speed=options["speed"],
        seed=options["seed"],
        password=lambda identity: options["password"],
        charging=not options["idle"],
        free=options["free"],
        tokens=tuple(token.strip() for token in options["tokens"].split(",") if token.strip()),
    )


def summary(crowd: Crowd, *, online: int, seconds: float) -> dict[str, Any]:
    """What happened, as one JSON-ready dict; latencies in milliseconds, energy in Wh."""
    return {
        "stations": len(crowd.stations),
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


class _Progress:
    """One line that is rewritten on a terminal, a line every few seconds elsewhere."""

    def __init__(self, crowd: Crowd, out: TextIO, began: float) -> None:
        self.crowd, self.out, self.began = crowd, out, began
        self.terminal = out.isatty()

    async def run(self, *, quiet: bool) -> None:
        every = 0.5 if self.terminal else 5.0
        last = 0
        while not (quiet and not self.terminal):
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


def _write_table(report: dict[str, Any], out: TextIO) -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
    out.write(
        f"{report['stations']} stations, {report['online_at_end']} online at the end, "
        f"{report['seconds']:.0f} s: "
        f"{report['sessions']} sessions ({report['sessions_refused']} refused), "
        f"{report['energy_wh'] / 1000:.2f} kWh, "
        f"{report['answers']} answers, {report['errors']} errors\n"
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
