"""The migration from samples to readings and its way back, with rows, beside a server of the release before.

That server is a connection that writes the rows which it would write: one for each sample.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.direct.samples import expanded
from tests.distributed.next_version import output_of
from tests.distributed.old_server import OldServer, an_old_server

pytestmark = pytest.mark.nightly
MESSAGES, SAMPLES = 200, 8
SETUP = """
from datetime import UTC, datetime, timedelta
from django.core.management import call_command
from chargepoints.models import ChargePoint
from transactions.models import MeterValue, Reading, Transaction
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
"""
SEED = f"""
call_command("migrate", verbosity=0)
station = ChargePoint.objects.create(id=1, identity="back")
moments = {{"started_at": NOW, "start_received_at": NOW, "last_message_at": NOW}}
# Before the way back: the model has the columns of today.
Transaction.objects.create(id=1000, charge_point=station, ocpp_id="T", **moments)
call_command("migrate", "transactions", "0012", verbosity=0)
for message in range({MESSAGES}):
    at = NOW + timedelta(seconds=message)
    MeterValue.objects.bulk_create(
        MeterValue(
            charge_point=station, transaction_id=1000 if message % 4 else None, measurand="Voltage",
            phase=f"L{{n}}", value=message, unit="V", raw=str(message), sample_key=n,
            signed_data='"\\\\{{}}' if n == 3 else None, measured_at=at, received_at=at,
        )
        for n in range({SAMPLES})
    )
"""
FORTH = """
call_command("migrate", verbosity=2)
"""
CARRY = """
from transactions.services.metering import carrying
import time
steps = 0
while carrying.step() and steps < 20:  # the old server goes on writing
    time.sleep(carrying.PAUSE_S)
    steps += 1
print("steps", steps)
"""
WRITE = f"""
from tests.direct.readings import a_reading, a_sample
for message in range({MESSAGES}):
    at = NOW + timedelta(hours=1, seconds=message)
    a_reading(
        a_sample(str(message)), a_sample("n/a", phase="L1", signed_data="s"),
        charge_point_id=1, transaction_id=1000, measured_at=at, received_at=at,
    ).save()
"""
BACK = """
call_command("migrate", "transactions", "0012", verbosity=2)
"""
OLD_SAMPLE = (
    "INSERT INTO transactions_metervalue (charge_point_id, transaction_id, measurand, phase, location,"
    " context, unit, raw, raw_unit, sample_key, measured_at, received_at)"
    " VALUES (1, 1000, 'Voltage', '', '', '', 'V', 'old', '', {number}, '{at}', '{at}')"
)


class Database(OldServer):
    written = 0

    async def script(self, text: str) -> str:
        return await output_of(await self.run(SETUP + text))

    async def run_beside_old_server(self, script: str) -> str:
        """Run a script while the server of the release before writes samples."""
        # SQLite has Django's texts, which are in UTC.
        at = "2026-05-04 13:30:00+00" if self.url else "2026-05-04 13:30:00"
        running = asyncio.ensure_future(self.script(script))
        before = self.written
        while not running.done():
            await self.write(OLD_SAMPLE.format(number=self.written, at=at))
            self.written += 1
            await asyncio.sleep(0.01)
        assert self.written > before + 5
        return await running

    def samples(self) -> list[tuple[Any, ...]]:
        names = "measurand, phase, value, unit, raw, signed_data, transaction_id"
        return sorted(self.execute(f"SELECT {names} FROM transactions_metervalue"), key=repr)  # noqa: S608 - constants

    def readings(self) -> list[tuple[Any, ...]]:
        """The samples of all readings, as `samples` has them."""
        found = self.execute("SELECT transaction_id, samples FROM transactions_reading")
        rows = expanded({"transaction_id": number, "samples": text} for number, text in found)
        names = ("measurand", "phase", "value", "unit", "raw", "signed_data", "transaction_id")
        return sorted((tuple(row[name] for name in names) for row in rows), key=repr)

    def count(self, table: str) -> int:
        return int(self.execute(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - a constant name


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return an_old_server(request, tmp_path, Database)


async def test_F34_samples_become_readings_and_samples_again_beside_a_server_that_writes(
    database: Database,
) -> None:
    await database.script(SEED)
    before = database.samples()
    assert len(before) == MESSAGES * SAMPLES

    output = await database.run_beside_old_server(FORTH)

    assert "transactions.0013_reading... OK" in output
    last = database.execute("SELECT max(id) FROM transactions_metervalue")[0][0]

    steps = await database.run_beside_old_server(CARRY)

    assert int(steps.split()[-1]) > 5
    await database.script(CARRY)  # what the old server wrote at last
    assert database.count("transactions_metervalue") == 0
    old = [row for row in database.readings() if row[4] == "old"]
    assert [row for row in database.readings() if row[4] != "old"] == before
    # A repetition of a sample is one sample, also for the old server: each of its rows has another key.
    assert old == [("Voltage", "", None, "V", "old", None, 1000)]

    await database.script(WRITE)

    ids = database.execute("SELECT min(id) FROM transactions_reading WHERE sample_count = 2")
    assert ids[0][0] > last + 1000
    readings = database.readings()

    output = await database.run_beside_old_server(BACK)

    assert "Unapplying transactions.0013_reading... OK" in output
    assert [row for row in database.samples() if row[4] != "old"] == [
        row for row in readings if row[4] != "old"
    ]
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)):
        database.count("transactions_reading")
