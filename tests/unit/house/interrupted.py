"""A test that never ends, for `test_interrupted_runs.py`: it starts one process of each kind and waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.distributed.engines import Postgres, Redis
from tests.processes import cleaning
from tests.servers import LiveServer


def test_that_never_ends(tmp_path: Path, migrated_database: Path) -> None:
    server = LiveServer(tmp_path / "server", template=migrated_database).start()
    redis, postgres = Redis(), Postgres()
    plain = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    processes = [each.process.pid for each in (server, redis, postgres) if each.process is not None]
    report_path = Path(os.environ["INTERRUPTED_RUN"])
    report = {"mark": os.environ[cleaning.MARK], "run": os.getpid(), "pids": [*processes, plain.pid]}
    (report_path.parent / "draft").write_text(json.dumps(report))
    (report_path.parent / "draft").rename(report_path)
    threading.Event().wait()
