"""The servers under load, each in its own process on the server's core."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import books, disk
from bench.databases import Database
from bench.machine import ROOT, SERVER_CORE, free_port, on_core, wait_for

# The command line stays when modules move, so that any two checkouts can be compared.
_UVICORN = [sys.executable, "run.py"]


@dataclass
class Server:
    """A running server; `sent` sums by version what the generator sent, for `lost`."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    database: Database | None = None
    sent: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, Any]:
        """Return what a job needs to reach the server."""
        members = {} if self.database is None else self.database.members
        return {"port": self.port, "pid": self.process.pid, "members": members}

    def wait(self) -> Server:
        """Wait until it serves. Raises SystemExit with its log when it doesn't."""
        path = "" if self.database is None else "/health"
        wait_for(self.process, self.port, self.folder / f"{self.name}.log", path=path)
        return self

    def account(self, version: str, sent: dict[str, int]) -> None:
        known = self.sent.setdefault(version, {})
        for name, count in sent.items():
            known[name] = known.get(name, 0) + count

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
        return [] if self.database is None else books.differences(self.database.counts(), self.sent)

    def bytes_per_message(self) -> dict[str, Any]:
        """Return what a message of a stopped server has added to its database, see `disk`."""
        assert self.database is not None
        messages = sum(each["messages"] for each in self.sent.values())
        return disk.per_message(self.database.empty, self.database.sizes(), messages)


def ours(
    template: Database,
    folder: Path,
    first_port: int,
    *,
    asgi: str = "uvicorn",
    core: int | None = SERVER_CORE,
) -> Server:
    """Start the server of the template's checkout as `run.py` does, or under daphne, with a copy of it."""
    return started(template.copy(folder), folder, first_port, asgi=asgi, core=core)


def started(
    database: Database,
    folder: Path,
    first_port: int,
    *,
    asgi: str = "uvicorn",
    core: int | None = SERVER_CORE,
) -> Server:
    """Start a server with this database itself. All these functions return before it serves, see
    `Server.wait`.
    """
    port = free_port(first_port)
    command = _UVICORN
    if asgi == "daphne":
        where = ["-b", "127.0.0.1", "-p", str(port)]
        command = [sys.executable, "-m", "daphne", *where, "ocpp_server.asgi:application"]
    name = f"server ({asgi})" if database.root == ROOT else "the other checkout"
    return _start(name, command, folder, port, database.environment(port), database=database, core=core)


def alone(folder: Path, **environment: str) -> Server:
    """Start this server with an empty database, not pinned to a core."""
    port = free_port(0)
    database = Database(ROOT, folder)
    values = database.environment(port) | environment
    return _start("server", _UVICORN, folder, port, values, database=database, core=None)


def of_role(role: str, name: str, folder: Path, database: Database, environment: dict[str, str]) -> Server:
    """Start a process of a role of `run.py`, not pinned; "" is the whole server."""
    command = [*_UVICORN, *([role] if role else [])]
    port = int(environment["HTTP_PORT"])
    return _start(name, command, folder, port, environment, database=database, core=None)


def plain(folder: Path, first_port: int, *, core: int | None = SERVER_CORE) -> Server:
    return _baseline("plain ocpp", "bench.baselines.plain", folder, first_port, core)


def bare(folder: Path, first_port: int, *, core: int | None = SERVER_CORE) -> Server:
    return _baseline("bare socket", "bench.baselines.bare", folder, first_port, core)


def _baseline(name: str, module: str, folder: Path, first_port: int, core: int | None) -> Server:
    port = free_port(first_port)
    command = [sys.executable, "-m", module, str(port)]
    return _start(name, command, folder, port, dict(os.environ), core=core)


def _start(
    name: str,
    command: list[str],
    folder: Path,
    port: int,
    environment: dict[str, str],
    *,
    database: Database | None = None,
    core: int | None,
) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT if database is None else database.root,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=on_core(core),  # noqa: PLW1509 - no threads yet
        )
    return Server(name, port, process, folder, database)
