"""The benchmark runs and writes its figures. These tests do not check how fast the server is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS, PLAIN = "server (uvicorn)", "plain ocpp"


def figures_of(folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """The figures of a short benchmark, and what it prints."""
    output = folder / "figures.json"
    run = subprocess.run(
        [sys.executable, "-m", "bench", *arguments, "--quick", "--no-daphne", "--output", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    figures: dict[str, Any] = json.loads(output.read_text())
    return figures, run.stdout


@pytest.mark.load
def test_every_setup_of_processes_stores_all_messages_and_reports_the_cost_of_each_process(
    tmp_path: Path,
) -> None:
    figures = figures_of(tmp_path, "scale")[0]["scale"]

    rows = figures.pop("rows")
    assert len(figures) == len(rows) == 6
    for title, sizes in figures.items():
        assert "every row" in rows[title]
        for measured in sizes.values():
            assert measured["us"] > 0 and measured["latency"]["p99"] > 0
            assert (measured["redis_us"] is None) == title.startswith("one process")
            assert (measured["postgresql_us"] is None) == title.endswith("SQLite")


@pytest.mark.nightly
def test_a_short_benchmark_writes_every_figure_with_its_baseline(tmp_path: Path) -> None:
    figures, text = figures_of(tmp_path, "speed", "--seconds", "1", "--samples", "3", "--load", "closed")

    cases = figures["speed"]["cases"]
    assert [case["version"] for case in cases] == ["1.6", "2.0.1"]
    for case in cases:
        measured = case["servers"]
        assert measured[PLAIN]["ratio"] == 1
        assert measured[OURS]["per_cpu_second"] > 0
        assert measured[OURS]["lone"]["p99"] > 0
        # The benchmark fails when a row is missing.
        assert "every row" in case["rows"][OURS]
    assert "msg/CPU-s" in text


@pytest.mark.load
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_more_samples_are_stored_and_cost_more_bytes_and_a_paced_load_keeps_its_rate(
    tmp_path: Path, database: str
) -> None:
    figures, text = figures_of(
        tmp_path, "speed", "--versions", "1.6", "--database", database, "--seconds", "1", "--rate", "200"
    )

    cases = {(case["job"], case["samples"]): case for case in figures["speed"]["cases"]}
    assert set(cases) == {("closed", 3), ("closed", 14), ("paced", 3), ("paced", 14)}
    for case in cases.values():
        assert "every row" in case["rows"][OURS]
        assert case["servers"][OURS]["batch"] >= 1
        assert (case["servers"][OURS]["postgresql_us"] is None) == (database == "sqlite")
        assert case["pinned"] == (case["job"] == "closed" and database == "sqlite")
    for samples in (3, 14):
        assert 120 < cases["paced", samples]["servers"][OURS]["per_second"] < 280
    few, many = (cases["closed", samples]["disk"][OURS] for samples in (3, 14))
    assert 0 < few["bytes"] < many["bytes"]
    assert few["outbox"] > 0 and "api_events" in few["tables"]
    assert (few["wal"] is None) == (database == "sqlite")
    assert "14 samples cost" in text


@pytest.mark.load
def test_another_checkout_is_measured_in_turns_with_its_own_tables(tmp_path: Path) -> None:
    before = tmp_path / "before"
    subprocess.run(["git", "clone", "-q", "--shared", str(ROOT), str(before)], check=True)
    figures = figures_of(
        tmp_path,
        "speed",
        "--versions",
        "2.0.1",
        "--samples",
        "14",
        "--load",
        "closed",
        "--against",
        str(before),
    )[0]

    (case,) = figures["speed"]["cases"]
    assert list(case["servers"]) == [OURS, "the other checkout", PLAIN, "bare socket"]
    for server in (OURS, "the other checkout"):
        assert "every row" in case["rows"][server]
        assert case["disk"][server]["bytes"] > 0


@pytest.mark.load
def test_usual_rates_and_bursts_have_latencies_of_messages_and_of_a_heartbeat(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "usual", "burst", "paced")[0]

    assert {case["rate"] for case in figures["usual"]["cases"]} == {100, 400}
    assert len(figures["burst"]["cases"]) == len(figures["paced"]["cases"]) == 2
    for part in ("usual", "burst", "paced"):
        for case in figures[part]["cases"]:
            for server in (OURS, PLAIN):
                assert case["servers"][server]["latency"]["p99"] > 0
            assert "every row" in case["rows"][OURS]
    for case in figures["burst"]["cases"]:
        assert case["servers"][OURS]["lone"]["p99"] > 0 and case["servers"][OURS]["burst"]["max"] > 0


@pytest.mark.load
def test_silent_stations_of_several_addresses_come_back_after_a_restart_of_both_processes(
    tmp_path: Path,
) -> None:
    figures, text = figures_of(tmp_path, "idle", "--stations", "300")

    silent = figures["idle"]["silent"]
    assert silent["connected"] == silent["back"] == silent["stations"] == 300
    assert silent["kib"] > 0 and silent["back_seconds"] > 0
    assert "300 back after" in text


@pytest.mark.load
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_requests_over_many_rows_have_times_queries_and_plans(tmp_path: Path, database: str) -> None:
    figures = figures_of(tmp_path, "history", "--database", database)[0]["history"]

    # Six readings of three samples: a row each, or a row a sample.
    assert set(figures["rows_of_readings"].values()) <= {30_000 + 6, 90_000 + 18, 30_000, 90_000}
    requests = figures["requests"]
    for path in ("/api/v1/transactions", "/api/v1/sites", "/api/v1/events", "a month's energy by site"):
        assert requests[path]["ms"] > 0 and requests[path]["queries"] > 0
        assert all(each["plan"] for each in requests[path]["plans"])
    assert requests["whole chart of a session, 200 samples a page"]["ms"] > 0


def test_a_machine_that_cannot_hold_the_stations_is_refused_in_one_sentence() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "idle", "--quick", "--stations", "2000000000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert run.returncode == 1
    assert "ulimit -n 2000001000" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.nightly
def test_reports_of_device_models_are_measured_and_all_variables_stored(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, "reports")[0]["reports"]

    assert {f"{server}, {name}" for server in (OURS, PLAIN) for name in ("first report", "again")} == set(
        figures["servers"]
    )
    assert all(measured["cpu_ms"] > 0 for measured in figures["servers"].values())
    # The benchmark fails when a variable is missing.
    assert "every row stored" in figures["rows"][OURS]
