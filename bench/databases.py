"""Databases of the servers under load: each starts with a copy of one that its own checkout has migrated."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import disk
from bench.machine import ROOT
from tests.distributed.engines import POSTGRES_URL, Postgres

SQLITE, POSTGRESQL = "sqlite", "postgresql"
API_KEY = "ocs_bench_key_for_one_run_0123456789abcdef"


@dataclass
class Database:
    """A database of a checkout; `empty` has its sizes before a server wrote to it. On SQLite it is a file in
    `folder`, else `engine` is its PostgreSQL.
    """

    root: Path
    folder: Path
    url: str = ""
    engine: Postgres | None = None
    empty: disk.Sizes = field(default_factory=disk.Sizes)

    @property
    def file(self) -> Path:
        return self.folder / "db.sqlite3"

    @property
    def members(self) -> dict[str, int]:
        """Return the process of the engine, if there is one that can be measured."""
        process = None if self.engine is None else self.engine.process
        return {} if process is None else {"PostgreSQL": process.pid}

    def environment(self, port: int = 0) -> dict[str, str]:
        return environment(self.folder, port) | {"DATABASE_URL": self.url}

    def copy(self, folder: Path) -> Database:
        """Return a copy for a server, in this folder."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.engine is None:
            shutil.copy(self.file, folder / "db.sqlite3")
            copied = Database(self.root, folder)
        else:
            template = self.url.rpartition("/")[2]
            url = self.engine.create(f"bench_{folder.name}".replace("-", "_"), template)
            copied = Database(self.root, folder, url, self.engine)
        copied.empty = copied.sizes()
        return copied

    def sizes(self) -> disk.Sizes:
        return disk.of_postgresql(self.url) if self.url else disk.of_sqlite(self.file)

    def counts(self) -> dict[str, Any]:
        """Return the counts of rows, see `books`. The server must be stopped."""
        counted: dict[str, Any] = json.loads(self.run("books.py"))
        return counted

    def run(self, script: str, *arguments: str) -> str:
        """Run a script of this bench with the models of the database's checkout; return its last line. Raises
        SystemExit with the end of its log when it fails.
        """
        # -P: the folder of the script is no place to import from.
        command = [sys.executable, "-P", str(ROOT / "bench" / script), *arguments]
        values = self.environment() | {"PYTHONPATH": str(self.root)}
        done = subprocess.run(command, cwd=self.root, env=values, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{script} failed:\n{done.stderr[-3000:]}")
        return done.stdout.splitlines()[-1] if done.stdout else ""


class Templates:
    """Migrated databases with valid tokens, each made when it is first asked for."""

    def __init__(self, folder: Path, *, cards: int, against: Path | None, postgresql: dict[str, str]) -> None:
        self._folder, self._cards, self._settings = folder, cards, postgresql
        self.roots = [ROOT] if against is None else [ROOT, against]
        self._made: dict[tuple[str, Path], Database] = {}
        self._stack = ExitStack()

    def template(self, kind: str, root: Path = ROOT) -> Database:
        if (kind, root) not in self._made:
            name = f"template-{kind}-{self.roots.index(root)}"
            database = empty(self._folder / name, kind, self._stack, root=root, settings=self._settings)
            database.run("rows.py", str(self._cards))
            self._made[kind, root] = database
        return self._made[kind, root]

    def close(self) -> None:
        self._stack.close()


def empty(
    folder: Path, kind: str, stack: ExitStack, *, root: Path = ROOT, settings: Mapping[str, str] | None = None
) -> Database:
    """Return a database without tables. On PostgreSQL it has an engine of its own, with these settings, which
    `stack` stops.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if kind == SQLITE:
        return Database(root, folder)
    engine = Postgres(POSTGRES_URL, settings={"fsync": "on", **(settings or {})})
    stack.callback(engine.close)
    return Database(root, folder, engine.create("bench_rows"), engine)


def environment(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of a server, or of a command, with its data in this folder."""
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
        "OCPP_CONFIGURATION_READS": "0",
        "OCPP_MESSAGE_LOG": "on",
        "OCPP_LOG_HEARTBEATS": "on",
    }
