"""Load test with simulated stations: `scripts/load-test.sh --connections=100 --duration=60s`.

Prints throughput, latencies per action, errors per kind, and the processor time of the server and the
stations. Without --url it starts its own server, on SQLite in a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import psutil

from bench import servers
from bench.machine import Process, described
from bench.station_parts import Options, Parts
from simulator.console import duration
from simulator.report import failure_sentence
from simulator.versions import VERSIONS, parse_versions

# Default number of stations per simulator process.
STATIONS_EACH = 250
SAMPLE_S = 0.5
# Above this share of a core the stations themselves may delay answers.
BUSY = 0.8


class NoStationConnectedError(Exception):
    """No station connected, so there is nothing to measure."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one sentence instead of the usage, which --help prints."""
        self.exit(2, f"{self.prog}: {message}.\n")


def main() -> int:
    options = _parser().parse_args()
    # SIGTERM takes the same path as Ctrl-C, which ends all processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with _server(options) as (url, pids):
            results = _run(options, url, pids)
    except KeyboardInterrupt:
        return 130
    except psutil.NoSuchProcess as gone:
        sys.stderr.write(f"load-test.sh: server process {gone.pid} has ended.\n")
        return 1
    except NoStationConnectedError as error:
        sys.stderr.write(f"load-test.sh: {error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(text(results))
    return 1 if results["errors"] or results["connected"] < options.connections else 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="load-test.sh", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--connections", type=_count, default=100, metavar="N", help="number of stations (default 100)"
    )
    parser.add_argument(
        "--duration", type=_duration, default=60.0, help="length: 60s, 5m, 1h30m (default 60s)"
    )
    parser.add_argument(
        "--url", help="URL of a running server, such as ws://localhost:8081/ocpp (default: start one)"
    )
    parser.add_argument(
        "--pid",
        type=_process,
        action="append",
        default=[],
        help="a process of that server to measure; may be repeated",
    )
    parser.add_argument(
        "--version",
        type=_versions,
        default=VERSIONS,
        metavar="LIST",
        help=f"OCPP versions, assigned in turn (default {','.join(VERSIONS)})",
    )
    parser.add_argument(
        "--speed", type=_number, default=30.0, help="speed of the stations relative to real time (default 30)"
    )
    parser.add_argument("--idle", action="store_true", help="only boot and send heartbeats")
    parser.add_argument("--free", action="store_true", help="charge without authorizing the token")
    parser.add_argument("--ramp", type=_duration, default=0.0, help="time over which the stations start")
    parser.add_argument("--prefix", default="LOAD", help="prefix of the identities, as in PREFIX-1-00001")
    parser.add_argument("--password", help="password of every station")
    parser.add_argument("--tokens", default="", metavar="LIST", help="tokens the drivers use")
    parser.add_argument(
        "--processes", type=_count, help=f"simulator processes (default: one per {STATIONS_EACH} stations)"
    )
    parser.add_argument("--json", type=_writable, metavar="FILE", help="also write the results to this file")
    return parser


def _count(value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number above 0")
    return int(value)


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number above 0")
    return number


def _duration(value: str) -> float:
    seconds = duration(value)
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{value!r} is not a duration above 0")
    return seconds


def _versions(value: str) -> tuple[str, ...]:
    try:
        return parse_versions(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _process(value: str) -> int:
    if not psutil.pid_exists(_count(value)):
        raise argparse.ArgumentTypeError(f"process {value} not found")
    return int(value)


def _writable(value: str) -> Path:
    path = Path(value)
    if not path.parent.is_dir() or path.is_dir():
        raise argparse.ArgumentTypeError(f"{value} cannot be written")
    return path


@contextlib.contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple[str, list[int]]]:
    """Yield the URL and the processes to measure."""
    if options.url:
        yield options.url, options.pid
        return
    with tempfile.TemporaryDirectory(prefix="ocpp-load-") as folder:
        server = servers.alone(Path(folder), OCPP_UNKNOWN_TOKENS="accept").wait()
        try:
            yield f"ws://127.0.0.1:{server.port}/ocpp", [server.process.pid]
        finally:
            server.stop()


def _run(options: argparse.Namespace, url: str, pids: list[int]) -> dict[str, Any]:
    processes = options.processes or -(-options.connections // STATIONS_EACH)
    station_options = Options(
        url=url,
        stations=options.connections,
        versions=options.version,
        prefix=options.prefix,
        password=options.password,
        speed=options.speed,
        charging=not options.idle,
        free=options.free,
        tokens=tuple(name for name in options.tokens.split(",") if name),
        ramp=options.ramp,
    )
    members = [Process(pid) for pid in pids]
    with Parts(station_options, min(processes, options.connections)) as parts:
        connecting = parts.connected()
        not_accepted = failure_sentence(options.connections, connecting.online, connecting.not_accepted, url)
        if not connecting.online:
            raise NoStationConnectedError(not_accepted)
        began, cpu = time.monotonic(), sum(member.cpu_seconds() for member in members)
        peak = 0
        while (left := began + options.duration - time.monotonic()) > 0:
            time.sleep(min(SAMPLE_S, left))
            peak = max(peak, sum(member.memory() for member in members))
        cpu = sum(member.cpu_seconds() for member in members) - cpu
        seconds = time.monotonic() - began
        measured = parts.measured()
    answers = measured.latencies.answers - measured.latencies.count("connect")
    return {
        "machine": described(),
        "url": url,
        "options": {
            "connections": options.connections,
            "versions": list(options.version),
            "speed": options.speed,
        },
        "connected": measured.online,
        "not_accepted": not_accepted,
        "connecting": {"seconds": connecting.seconds, "actions": connecting.latencies.summary()},
        "seconds": seconds,
        "answers": answers,
        "per_second": answers / seconds,
        "sessions": measured.sessions,
        "actions": measured.latencies.summary(),
        "errors": _kinds(connecting.latencies.summary(), measured.latencies.summary()),
        "server": {
            "processes": len(pids),
            "cpu_seconds": cpu,
            "cores": cpu / seconds,
            "us_per_message": cpu / answers * 1e6 if answers else 0.0,
            "peak_mib": peak / 2**20,
        }
        if pids
        else None,
        "stations": {"processes": len(measured.cores), "cores": measured.cores},
    }


def _kinds(*summaries: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in (row for summary in summaries for row in summary):
        for kind, count in row["error_kinds"].items():
            name = kind if row["action"] == kind else f"{row['action']} {kind}"
            found[name] = found.get(name, 0) + count
    return found


def text(results: dict[str, Any]) -> str:
    """Return the results as text."""
    connecting, server, stations = results["connecting"], results["server"], results["stations"]
    lines = [
        f"{results['connected']} of {results['options']['connections']} stations connected after "
        f"{connecting['seconds']:.1f} s; then {results['seconds']:.0f} s: {results['answers']} answers, "
        f"{results['per_second']:.0f} a second, {results['sessions']} sessions.",
        "",
        _table([row | {"action": f"{row['action']} (start)"} for row in connecting["actions"]], heads=True),
        _table(results["actions"]),
        "",
    ]
    problems = ", ".join(f"{kind}: {count}" for kind, count in results["errors"].items())
    lines.append(f"Errors: {problems or 'none'}.")
    if results["not_accepted"]:
        lines.append(results["not_accepted"])
    if server is None:
        lines.append("Server: not measured; pass its processes with --pid.")
    else:
        lines.append(
            f"Server: {server['cores'] * 100:.0f} % of a core, {server['us_per_message']:.0f} us a message, "
            f"{server['peak_mib']:.0f} MiB at most."
        )
    shares = ", ".join(f"{cores * 100:.0f} %" for cores in stations["cores"])
    busy = max(stations["cores"]) > BUSY
    hint = "; the stations were the bottleneck: use more --processes or a lower --speed" if busy else ""
    lines.append(f"Stations: share of a core per process {shares}{hint}.")
    return "\n".join(lines)


def _table(rows: list[dict[str, Any]], *, heads: bool = False) -> str:
    lines = (
        [f"{'':<34}{'count':>8}{'p50 ms':>10}{'p95':>10}{'p99':>10}{'max':>10}{'errors':>8}"] if heads else []
    )
    for row in rows:
        figures = "".join(f"{row[name]:>10.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        lines.append(f"{row['action']:<34}{row['count']:>8}{figures}{row['errors']:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
    sys.exit(main())
