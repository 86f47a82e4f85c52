"""Several server processes with one Redis and one PostgreSQL database, and queries of the stored data."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.distributed.engines import SECRET_KEY, Redis
from tests.packed import readable
from tests.servers import LiveServer

# A process renews its lease after a third of this time, at most once a second. A busy machine can keep up.
LEASE_S = 5


class Cluster:
    """Processes of one deployment. `servers` are in the order of their start."""

    def __init__(self, folder: Path, redis: Redis, database_url: str, **environment: str) -> None:
        self.folder = folder
        self.redis = redis
        self.database_url = database_url
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.servers: list[LiveServer] = []
        self.environment = {
            **redis.environment,
            # Stations of tests expect only the calls that the test is about.
            "OCPP_CONFIGURATION_READS": "0",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder),
            "REDIS_STATE_PREFIX": self.prefix,
            "REDIS_STATE_TTL": f"{LEASE_S}s",
            "SECRET_KEY": SECRET_KEY,
            **environment,
        }

    def add(self, count: int = 1, role: str = "") -> list[LiveServer]:
        """Start servers, or processes of one role."""
        first = len(self.servers)
        added = [
            LiveServer(self.folder / str(number), role=role, **self.environment)
            for number in range(first, first + count)
        ]
        self.servers += added
        if added:
            with ThreadPoolExecutor(count) as pool:
                list(pool.map(LiveServer.start, added))
        return added

    def stop(self) -> None:
        running = [server for server in self.servers if server.process is not None]
        if running:
            with ThreadPoolExecutor(len(running)) as pool:
                list(pool.map(LiveServer.stop, running))

    def log(self) -> str:
        return "\n".join(server.log.read_text("utf-8", "replace") for server in self.servers)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            rows: list[dict[str, Any]] = connection.execute(sql, values).fetchall()  # type: ignore[call-overload]
            return [readable(row) for row in rows]

    def execute_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        with psycopg.connect(self.database_url) as connection, connection.cursor() as cursor:
            cursor.executemany(sql, rows)  # type: ignore[arg-type]

    def charge_point(self, identity: str) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM chargepoints_chargepoint WHERE identity = %s", identity)
        return row

    def is_online(self, identity: str) -> bool:
        return bool(self.charge_point(identity)["is_online"])

    def transactions(self, identity: str) -> list[dict[str, Any]]:
        return self.rows(
            "SELECT t.* FROM transactions_transaction t JOIN chargepoints_chargepoint c"
            " ON c.id = t.charge_point_id WHERE c.identity = %s ORDER BY t.id",
            identity,
        )

    def housekeeper(self) -> LiveServer | None:
        """The process that is elected to run the periodic jobs; None while there is none."""
        name = str(self.redis.client.get(f"{self.prefix}:server:housekeeper"))
        pids = {str(server.process.pid): server for server in self.servers if server.process is not None}
        return next((server for pid, server in pids.items() if f".{pid}." in name), None)

    def clients(self, server: LiveServer) -> list[str]:
        """The connected stations according to this process."""
        status, answer = server.request("GET", "/clients")
        assert status == 200, answer
        clients: list[str] = answer["data"]["clients"]
        return clients
