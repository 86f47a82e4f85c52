"""`scripts/load-test.sh` loads a server with simulated stations and reports a wrong argument in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT, LiveServer, free_port

SCRIPT = str(ROOT / "scripts" / "load-test.sh")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # The script uses the interpreter and packages of these tests. Without them run.py would install its own.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [SCRIPT, *arguments],
        env=os.environ | {"RUN_IN_PLACE": "1", "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_a_short_load_reports_throughput_latencies_and_the_cost_of_the_server(
    running_server: LiveServer, tmp_path: Path
) -> None:
    server, output = running_server, tmp_path / "figures.json"
    assert server.process is not None

    done = run(
        f"--url={server.ocpp}",
        f"--pid={server.process.pid}",
        "--connections=9",
        "--duration=3s",
        "--processes=2",
        "--idle",
        "--speed=1000",
        f"--json={output}",
    )

    assert done.returncode == 0, done.stderr + done.stdout
    figures = json.loads(output.read_text())
    assert figures["connected"] == 9 and figures["errors"] == {}
    beats = {row["action"]: row for row in figures["actions"]}["Heartbeat"]
    assert beats["count"] == figures["answers"] > 9
    assert 0 < beats["p50_ms"] <= beats["p99_ms"] <= beats["max_ms"]
    booted = {row["action"]: row["count"] for row in figures["connecting"]["actions"]}
    assert booted["BootNotification"] == 9
    server_cost = figures["server"]
    assert (
        server_cost["cpu_seconds"] > 0 and server_cost["us_per_message"] > 0 and server_cost["peak_mib"] > 20
    )
    assert len(figures["stations"]["cores"]) == 2
    assert "us a message" in done.stdout and "Errors: none." in done.stdout


@pytest.mark.parametrize(
    "argument",
    [
        "--connections=zero",
        "--connections=0",
        "--duration=5x",
        "--duration=0s",
        "--version=3.0",
        "--speed=-1",
        "--pid=999999999",
        "--json=/no/such/folder/figures.json",
        "--nonsense",
    ],
)
def test_a_wrong_argument_is_reported_in_one_line(argument: str) -> None:
    done = run(argument)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and argument.partition("=")[0] in done.stderr


@pytest.mark.slow
def test_an_unreachable_server_is_reported_in_one_line() -> None:
    url = f"ws://127.0.0.1:{free_port()}/ocpp"

    done = run(f"--url={url}", "--connections=2", "--duration=1s")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"No station was accepted at {url}: nothing listens at this address." in done.stderr
