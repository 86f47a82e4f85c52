"""A run of the tests that is interrupted leaves no process behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.processes import cleaning
from tests.servers import ROOT

pytestmark = pytest.mark.slow
_RUN = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/house/interrupted.py"]


def until(condition: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)  # no event to await: another program starts these processes


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def heed_ctrl_c() -> None:
    """A shell starts background jobs with SIGINT ignored, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# Nightly, because each run migrates databases of its own.
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("number", "is_of_worker"),
    [
        pytest.param(signal.SIGINT, False, id="Ctrl-C"),
        pytest.param(signal.SIGKILL, False, id="killed"),
        pytest.param(signal.SIGTERM, False, id="terminated"),
        pytest.param(signal.SIGKILL, True, id="worker killed"),
    ],
)
def test_an_interrupted_run_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals, is_of_worker: bool
) -> None:
    # given a run with a server, a Redis, a PostgreSQL and a plain process
    report_path = tmp_path / "report"
    variables = {**os.environ, "INTERRUPTED_RUN": str(report_path), "DATA_DIR": str(tmp_path / "data")}
    options = ["-n", "1", "--max-worker-restart", "0"] if is_of_worker else ["-p", "no:xdist"]
    with open(tmp_path / "log", "wb") as log:
        run = subprocess.Popen(
            [*_RUN, *options],
            cwd=ROOT,
            env=variables,
            stdout=log,
            stderr=log,
            preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - one call, and no lock is held
        )
    until(lambda: report_path.exists() or run.poll() is not None, 120)
    assert run.poll() is None, (tmp_path / "log").read_text()
    report = json.loads(report_path.read_text())
    children = [child.pid for pid in report["pids"] for child in psutil.Process(pid).children()]
    pids = [*report["pids"], *children]
    assert len(pids) > 4 and all(is_running(pid) for pid in pids)  # PostgreSQL has several processes

    # when the run is interrupted
    os.kill(report["run"] if is_of_worker else run.pid, number)
    run.wait(120)

    # then no process is left
    until(lambda: not any(is_running(pid) for pid in pids))
    until(lambda: not cleaning.marked(report["mark"]))
