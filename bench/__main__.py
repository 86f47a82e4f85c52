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

from bench import report, rest, scale, servers, speed
from bench.machine import ROOT, Generator, described
from bench.speed import Plan

PARTS = ("speed", "paced", "boots", "idle", "rest", "scale")


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
    parser.add_argument("--versions", default="1.6,2.0.1", help="default 1.6,2.0.1")
    parser.add_argument("--output", type=Path, help="the JSON file (default bench/results/<time>.json)")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server keeps running
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="ocpp-bench-") as folder:
        results = run(parts, _plan(options, Path(folder)))
    results["began_at"] = began.isoformat()
    path = options.output or ROOT / "bench" / "results" / f"{began:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(report.table(results))
    print(f"Written to {path}.")
    return 0


def _plan(options: argparse.Namespace, folder: Path) -> Plan:
    values: dict[str, Any] = {}
    if options.quick:
        values = {
            "stations": 20,
            "seconds": 0.5,
            "warm": 0.2,
            "rounds": 1,
            "idle": 200,
            "boots": 100,
            "rate": 200,
            "sizes": (20, 60),
            "rest_stations": 200,
            "rest_transactions": 20_000,
        }
    if options.seconds:
        values["seconds"] = options.seconds
    if options.rounds:
        values["rounds"] = options.rounds
    values |= {"daphne": not options.no_daphne, "against": options.against and options.against.resolve()}
    return Plan(
        folder=folder, first_port=options.first_port, versions=tuple(options.versions.split(",")), **values
    )


def run(parts: list[str], plan: Plan) -> dict[str, Any]:
    """Measure the parts and return the results, as they are written."""
    results: dict[str, Any] = {"machine": described()}
    template = servers.prepare(plan.folder / "template", cards=plan.stations)
    generator = Generator()
    try:
        if "speed" in parts:
            results["speed"] = speed.closed_loop(plan, template, generator, _log)
        if "paced" in parts:
            results["paced"] = speed.paced(plan, template, generator, _log)
        if "boots" in parts:
            results["boots"] = speed.boots(plan, template, generator, _log)
        if "idle" in parts:
            results["idle"] = speed.idle(plan, template, generator, _log)
        if "rest" in parts:
            results["rest"] = rest.lists(plan, _log)
        if "scale" in parts:
            results["scale"] = scale.scale(plan, generator, _log)
    finally:
        generator.stop()
    results["machine"]["load_average_after"] = described()["load_average"]
    return results


def _log(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
    else:
        sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
