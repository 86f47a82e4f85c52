"""`python -m bench`: measure, print a table, write JSON."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import alerts, connections, device_model, history, report, rest, scale, speed
from bench.databases import POSTGRESQL, SQLITE, Templates
from bench.machine import ROOT, Generator, described
from bench.plan import QUICK, Plan
from bench.samples import COUNTS

PARTS = ("speed", "paced", "usual", "burst", "boots", "reports", "idle", "rest", "history", "alerts", "scale")
LOADS = ("closed", "paced")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"parts to measure, any of {', '.join(PARTS)}; default: all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="short windows and few rows, to check that the benchmark runs"
    )
    parser.add_argument("--seconds", type=float, help="length of a measured window")
    parser.add_argument("--rounds", type=int, help="number of rounds; each round measures every server")
    parser.add_argument("--first-port", type=int, default=18300, help="first port to use (default 18300)")
    parser.add_argument("--against", type=Path, help="another checkout, measured alternately with this one")
    parser.add_argument("--no-daphne", action="store_true", help="skip daphne")
    parser.add_argument(
        "--samples",
        type=int,
        action="append",
        choices=COUNTS,
        help="in speed: samples of a reading; may be repeated (default 3 and 14)",
    )
    parser.add_argument(
        "--load",
        action="append",
        choices=LOADS,
        help="in speed: each message after the last answer, or at --rate; may be repeated (default both)",
    )
    parser.add_argument(
        "--rate", type=int, metavar="N", help="in speed: messages a second of the paced load (default 5000)"
    )
    parser.add_argument(
        "--no-pinning",
        action="store_true",
        help="in speed: measure the closed loop without pinned processes only (default: also with)",
    )
    parser.add_argument(
        "--database",
        choices=(SQLITE, POSTGRESQL),
        default=SQLITE,
        help="database in speed, usual, burst, history, and of the silent stations of idle (default sqlite)",
    )
    parser.add_argument(
        "--postgresql-setting",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="a line of postgresql.conf; may be repeated",
    )
    parser.add_argument(
        "--stations",
        type=int,
        metavar="N",
        help="in idle: only N stations at two processes, which restart; else the stations of a load",
    )
    parser.add_argument(
        "--sessions", type=int, metavar="N", help="in history: sessions of six readings (default 1,000,000)"
    )
    parser.add_argument("--versions", default="1.6,2.0.1", help="default 1.6,2.0.1")
    parser.add_argument("--output", type=Path, help="the JSON file (default bench/results/<time>.json)")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server keeps running
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="ocpp-bench-") as folder:
        results = run(parts, _plan(options, parts, Path(folder)))
    results["began_at"] = began.isoformat()
    path = options.output or ROOT / "bench" / "results" / f"{began:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(report.table(results))
    print(f"Written to {path}.")
    return 0


def _setting(text: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not is_given:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _plan(options: argparse.Namespace, parts: list[str], folder: Path) -> Plan:
    values: dict[str, Any] = dict(QUICK) if options.quick else {}
    given = {
        "seconds": options.seconds,
        "rounds": options.rounds,
        "rate": options.rate,
        "history_sessions": options.sessions,
        "samples": tuple(options.samples or ()),
        "loads": tuple(options.load or ()),
        "pinning": (False,) if options.no_pinning else (),
    }
    values |= {name: value for name, value in given.items() if value}
    if options.stations:
        values |= (
            {"idle": 0, "silent": options.stations} if "idle" in parts else {"stations": options.stations}
        )
    return Plan(
        folder=folder,
        first_port=options.first_port,
        versions=tuple(options.versions.split(",")),
        daphne=not options.no_daphne,
        against=options.against and options.against.resolve(),
        database=options.database,
        postgresql=dict(options.postgresql_setting),
        **values,
    )


def run(parts: list[str], plan: Plan) -> dict[str, Any]:
    """Measure the parts and return the results, as they are written."""
    results: dict[str, Any] = {"machine": described()}
    if "idle" in parts:
        connections.check_limits(plan)
    templates = Templates(plan.folder, cards=plan.stations, against=plan.against, postgresql=plan.postgresql)
    generator = Generator()
    try:
        for name, part in (
            ("speed", speed.speed),
            ("paced", speed.paced),
            ("usual", speed.usual),
            ("burst", speed.burst),
            ("boots", connections.boots),
            ("reports", device_model.reports),
            ("idle", connections.idle),
        ):
            if name in parts:
                results[name] = part(plan, templates, generator, _log)
        if "rest" in parts:
            results["rest"] = rest.lists(plan, _log)
        if "history" in parts:
            results["history"] = history.history(plan, generator, _log)
        if "alerts" in parts:
            results["alerts"] = alerts.alerts(plan, _log)
        if "scale" in parts:
            results["scale"] = scale.scale(plan, generator, _log)
    finally:
        generator.stop()
        templates.close()
    results["machine"]["load_average_after"] = described()["load_average"]
    return results


def _log(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
    else:
        sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
