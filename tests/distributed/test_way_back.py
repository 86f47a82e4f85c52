"""The migration to compressed payloads and its way back, with rows, beside a server of the release before.

That server is a connection that writes the rows which it would write: texts, without the new columns.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.distributed.engines import Postgres
from tests.distributed.next_version import output_of
from tests.servers import ROOT

pytestmark = pytest.mark.slow
MESSAGES, EVENTS = 3000, 1200
# Three attempts of the journal, which waits half a second for a lock in each.
PATIENCE_S = 1.5
SETUP = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ocpp_server.settings"
django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
from django.db import transaction
from chargepoints.models import ChargePoint, Message
from transactions.models import Transaction, TransactionEvent
NOW = datetime.now(UTC)
"""
SEED = f"""
from chargepoints.tables import MESSAGES
from transactions.tables import EVENTS
call_command("migrate", verbosity=0)
station = ChargePoint.objects.create(id=1, identity="back")
moments = {{"started_at": NOW, "start_received_at": NOW, "last_message_at": NOW}}
Transaction.objects.create(id=1000, charge_point=station, ocpp_id="T", **moments)
values = {{"charge_point_id": 1, "direction": "in", "action": "DataTransfer", "size": 9, "at": NOW}}
with transaction.atomic():
    MESSAGES.insert([
        MESSAGES.row(values | {{
            "message_id": f"new-{{n}}", "request": '{{"data":"%d"}}' % n, "response": "{{}}",
        }})
        for n in range({MESSAGES})
    ])
    EVENTS.insert([
        EVENTS.row({{
            "transaction_id": 1000, "seq_no": n, "type": "Updated", "fingerprint": n, "at": NOW,
            "received_at": NOW, "payload": '{{"seqNo":%d}}' % n,
        }})
        for n in range({EVENTS})
    ])
"""
BACK = """
call_command("migrate", "transactions", "0008", verbosity=2)
call_command("migrate", "chargepoints", "0011", verbosity=2)
"""
FORTH = """
call_command("migrate", verbosity=0)
for row in Message.objects.order_by("pk"):
    print("message", row.message_id, row.request, row.response, row.request == row.request_text)
for row in TransactionEvent.objects.order_by("pk"):
    print("event", row.seq_no, row.payload)
"""
OLD_MESSAGE = (
    "INSERT INTO chargepoints_message (charge_point_id, direction, message_id, action, request, response,"
    " error_code, error_description, size, at) VALUES (1, 'in', '{name}', 'DataTransfer', '{text}', '{{}}',"
    " '', '', 9, CURRENT_TIMESTAMP)"
)


class Database:
    """A database that a test writes without Django."""

    def __init__(self, url: str, connect: Callable[[], Any]) -> None:
        self.url = url
        self.connect = connect

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection, connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    async def run(self, script: str, data_dir: Path) -> asyncio.subprocess.Process:
        environment = {**os.environ, "ENV_FILE": os.devnull, "RUN_IN_PLACE": "1", "DATA_DIR": str(data_dir)}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SETUP + script,
            cwd=ROOT,
            env=environment | ({"DATABASE_URL": self.url} if self.url else {}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        path = tmp_path / "db.sqlite3"
        return Database("", lambda: sqlite3.connect(path, timeout=PATIENCE_S))
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create(f"ocpp_back_{uuid.uuid4().hex[:8]}")
    limit = f"-c lock_timeout={int(PATIENCE_S * 1000)}"
    return Database(url, lambda: psycopg.connect(url, options=limit))


async def test_F34_what_was_written_compressed_is_text_again_after_the_way_back(
    database: Database, tmp_path: Path
) -> None:
    await output_of(await database.run(SEED, tmp_path))
    database.execute(OLD_MESSAGE.format(name="old", text='{"data":"old"}'))

    back = asyncio.ensure_future(output_of(await database.run(BACK, tmp_path)))
    meanwhile, longest = 0, 0.0
    while not back.done():
        began = time.monotonic()
        row = OLD_MESSAGE.format(name=f"meanwhile-{meanwhile}", text='{"data":"m"}')
        await asyncio.to_thread(database.execute, row)  # raises when it waits longer than PATIENCE_S
        longest = max(longest, time.monotonic() - began)
        meanwhile += 1
        await asyncio.sleep(0.01)
    output = await back

    assert "Unapplying chargepoints.0012_compressed_messages" in output
    assert meanwhile > 10
    stored = dict(database.execute("SELECT message_id, request FROM chargepoints_message"))
    assert len(stored) == MESSAGES + 1 + meanwhile
    assert {stored[f"new-{n}"] for n in range(MESSAGES)} == {f'{{"data":"{n}"}}' for n in range(MESSAGES)}
    assert stored["old"] == '{"data":"old"}'
    payloads = database.execute("SELECT payload FROM transactions_transactionevent ORDER BY id")
    assert payloads == [(f'{{"seqNo":{n}}}',) for n in range(EVENTS)]
    assert all("packed" not in name for name in columns(database))

    shown = (await output_of(await database.run(FORTH, tmp_path))).splitlines()

    assert shown.count('message meanwhile-0 {"data":"m"} {} True') == 1
    assert len([line for line in shown if line.startswith("message")]) == len(stored)
    assert 'message new-7 {"data":"7"} {} True' in shown
    assert 'event 1199 {"seqNo":1199}' in shown


def columns(database: Database) -> list[str]:
    if database.url:
        found = database.execute("SELECT column_name FROM information_schema.columns")
    else:
        found = database.execute(
            "SELECT c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        )
    return [name for (name,) in found]
