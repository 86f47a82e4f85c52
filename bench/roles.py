"""Processes of `run.py`'s roles with one database and one Redis, of this checkout or of another one."""

from __future__ import annotations

import subprocess
import time
import uuid
from pathlib import Path

from bench import servers
from bench.databases import Database
from bench.machine import free_port
from bench.servers import Server
from tests.distributed.engines import Redis

# These listen on no port: their health file shows that they run.
PORTLESS = ("processor", "housekeeping")
_SECRET_KEY = "the-key-of-the-bench-which-all-processes-share-0123456789"
_START_S = 120


def start(database: Database, redis: Redis, roles: tuple[str, ...], first_port: int) -> list[Server]:
    """Start a process for each role, one after the other; "" is the whole server, which needs no Redis."""
    shared = {"REDIS_STATE_TTL": "30s"}
    if any(roles):
        prefix = f"bench-{uuid.uuid4().hex[:8]}"
        shared |= {**redis.environment, "REDIS_STATE_PREFIX": prefix, "SECRET_KEY": _SECRET_KEY}
    started: list[Server] = []
    try:
        for number, role in enumerate(roles, 1):
            folder, port = database.folder / str(number), free_port(first_port)
            own = {"ACCOUNTS_PORT": str(port)}
            if role in PORTLESS:
                own["HEALTH_FILE"] = str(folder / "health")
            values = database.environment(port) | shared | own
            name = f"{role or 'server'} {number}"
            started.append(servers.of_role(role, name, folder, database, values))
            if role in PORTLESS:
                _wait_for_file(started[-1].process, folder / "health")
            else:
                started[-1].wait()
    except BaseException:
        for server in started:
            server.stop()
        raise
    return started


def _wait_for_file(process: subprocess.Popen[bytes], file: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"The process did not start, see the log in {file.parent}.")
        time.sleep(0.05)
