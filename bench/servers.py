"""The servers under load, each in its own process on the server's core."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import ROOT, SERVER_CORE, Process, free_port, on_core, wait_for

API_KEY = "ocs_bench_key_for_one_run_0123456789abcdef"
# The command line stays when modules move, so that any two checkouts can be compared.
_UVICORN = [sys.executable, "run.py"]


@dataclass
class Server:
    """A running server; `sent` sums by version what the generator sent, for `lost`."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    database: Path | None = None
    sent: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, int]:
        """Return what a job needs to reach the server."""
        return {"port": self.port, "pid": self.process.pid}

    def account(self, version: str, sent: dict[str, int]) -> None:
        known = self.sent.setdefault(version, {})
        for name, count in sent.items():
            known[name] = known.get(name, 0) + count

    def memory(self) -> int:
        return Process(self.process.pid).memory()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def lost(self) -> list[str]:
        """Return the differences between a stopped server's database and what was sent; empty when nothing is
        missing.
        """
        if self.database is None:
            return []
        connection = sqlite3.connect(self.database)
        try:
            return differences(lambda query: connection.execute(query).fetchone()[0], self.sent)
        finally:
            connection.close()


def prepare(
    folder: Path, *, cards: int, stations: int = 0, transactions: int = 0, database_url: str = ""
) -> Path:
    """Create a migrated database with valid tokens in a separate process. Returns the file on SQLite."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "bench.rows", str(cards), str(stations), str(transactions)],
        cwd=ROOT,
        env=_environment(folder, 0) | {"DATABASE_URL": database_url},
        check=True,
    )
    return folder / "db.sqlite3"


def _environment(folder: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "ocpp_server.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "ENV_FILE": os.devnull,
        "RUN_IN_PLACE": "1",
        "HTTP_PORT": str(port or 8081),
        "OCPP_BOOTSTRAP_API_KEY": API_KEY,
        "DJANGO_SUPERUSER_PASSWORD": "operator-of-the-bench",
        "OCPP_UNKNOWN_STATIONS": "accept",
        "OCPP_UNKNOWN_STATIONS_PER_MINUTE": "1000000",
        "OCPP_MESSAGE_LOG": "on",
        "OCPP_LOG_HEARTBEATS": "on",
    }


def ours(
    folder: Path, template: Path, first_port: int, *, asgi: str = "uvicorn", root: Path = ROOT
) -> Server:
    """Start this server as `run.py` does, or under daphne; `root` is another checkout to compare with."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "db.sqlite3"
    shutil.copy(template, database)
    port = free_port(first_port)
    command = _UVICORN
    if asgi == "daphne":
        where = ["-b", "127.0.0.1", "-p", str(port)]
        command = [sys.executable, "-m", "daphne", *where, "ocpp_server.asgi:application"]
    name = f"server ({asgi})" if root == ROOT else "the other checkout"
    return _start(name, command, folder, port, _environment(folder, port), database=database, root=root)


def alone(folder: Path, **environment: str) -> Server:
    """Start this server with an empty database, not pinned to a core."""
    port = free_port(0)
    values = _environment(folder, port) | environment
    return _start("server", _UVICORN, folder, port, values, database=folder / "db.sqlite3", core=None)


def plain(folder: Path, first_port: int) -> Server:
    return _baseline("plain ocpp", "bench.baselines.plain", folder, first_port)


def bare(folder: Path, first_port: int) -> Server:
    return _baseline("bare socket", "bench.baselines.bare", folder, first_port)


def _baseline(name: str, module: str, folder: Path, first_port: int) -> Server:
    port = free_port(first_port)
    return _start(name, [sys.executable, "-m", module, str(port)], folder, port, dict(os.environ))


def _start(
    name: str,
    command: list[str],
    folder: Path,
    port: int,
    environment: dict[str, str],
    *,
    database: Path | None = None,
    root: Path = ROOT,
    core: int | None = SERVER_CORE,
) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=on_core(core),  # noqa: PLW1509 - no threads yet
        )
    wait_for(process, port, log, path="/health" if database else "")
    return Server(name, port, process, folder, database)


def differences(scalar: Callable[[str], Any], sent: dict[str, dict[str, int]]) -> list[str]:
    """Return the differences between a database and what was sent; `scalar` queries one value."""
    from bench.conversations import READINGS, SAMPLES

    cycles = sum(each.get("cycles", 0) for each in sent.values())
    cycles_2x = sent.get("2.0.1", {}).get("cycles", 0)
    expected = {
        "messages in the log": sum(each["messages"] for each in sent.values()),
        "transactions": cycles,
        "transactions stopped by their station": cycles,
        "suspect transactions": 0,
        "meter values": cycles * READINGS * SAMPLES,
        "events": cycles_2x * (READINGS + 2),
        "Wh": sum(each.get("energy_wh", 0) for each in sent.values()),
        "deviations": 0,
    }
    transactions = "SELECT count(*) FROM transactions_transaction"
    queries = {
        "messages in the log": "SELECT count(*) FROM chargepoints_message WHERE error_code = ''",
        "transactions": transactions,
        "transactions stopped by their station": f"{transactions} WHERE ended_by = 'station'",
        "suspect transactions": f"{transactions} WHERE suspect",
        "meter values": "SELECT count(*) FROM transactions_metervalue",
        "events": "SELECT count(*) FROM transactions_transactionevent",
        "Wh": "SELECT coalesce(sum(energy_wh), 0) FROM transactions_transaction",
        "deviations": "SELECT count(*) FROM chargepoints_deviation",
    }
    found: dict[str, Any] = {name: scalar(query) for name, query in queries.items()}
    return [
        f"{name}: {found[name]:g}, not {expected[name]:g}"
        for name in expected
        if found[name] != expected[name]
    ]
