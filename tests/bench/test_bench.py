"""The benchmark runs and writes its figures. These tests do not check how fast the server is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.load
def test_every_setup_of_processes_stores_all_messages_and_reports_the_cost_of_each_process(
    tmp_path: Path,
) -> None:
    output = tmp_path / "figures.json"

    run = subprocess.run(
        [sys.executable, "-m", "bench", "scale", "--quick", "--output", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert run.returncode == 0, run.stderr[-3000:]
    figures = json.loads(output.read_text())["scale"]
    rows = figures.pop("rows")
    assert len(figures) == len(rows) == 6
    for title, sizes in figures.items():
        assert "every row" in rows[title]
        for measured in sizes.values():
            assert measured["us"] > 0 and measured["latency"]["p99"] > 0
            assert (measured["redis_us"] is None) == title.startswith("one process")
            assert (measured["postgresql_us"] is None) == title.endswith("SQLite")


@pytest.mark.slow
def test_a_short_benchmark_writes_every_figure_with_its_baseline(tmp_path: Path) -> None:
    output = tmp_path / "figures.json"

    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench",
            "speed",
            "--quick",
            "--seconds",
            "1",
            "--no-daphne",
            "--output",
            str(output),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stderr[-3000:]
    figures = json.loads(output.read_text())["speed"]
    for version in ("1.6", "2.0.1"):
        assert figures[version]["plain ocpp"]["ratio"] == 1
        assert figures[version]["server (uvicorn)"]["per_cpu_second"] > 0
        assert figures[version]["server (uvicorn)"]["lone"]["p99"] > 0
    # The benchmark fails when a row is missing.
    assert "every row" in figures["rows"]["server (uvicorn)"]
    assert "msg/CPU-s" in run.stdout
