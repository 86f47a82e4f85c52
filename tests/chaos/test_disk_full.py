"""SQLite returns SQLITE_FULL while stations charge: sockets close with 1013, no station gets an error and the
readiness probe fails. The server recovers when there is room again (F31).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.expected import ExpectedData
from tests.chaos.stations import AnswerCounter, FixedEndpoint, make_stations, running
from tests.conformance.peer import eventually
from tests.seeds import chosen_seed
from tests.servers import ROOT, LiveServer

pytestmark = pytest.mark.slow
STATIONS = 20
# The number of 8 KiB pages by which the database can grow before its disk is full.
ROOM_PAGES = 60
FILLER_BYTES = 40 * 1024**2


def filled(folder: Path, template: Path) -> LiveServer:
    """A server on a disk that is soon full: an unused table takes most of the space."""
    server = LiveServer(folder, template=template)
    with closing(sqlite3.connect(server.database)) as database:
        database.execute("CREATE TABLE filler (content BLOB)")
        database.execute("INSERT INTO filler VALUES (zeroblob(?))", [FILLER_BYTES])
        database.commit()
        (pages,) = database.execute("PRAGMA page_count").fetchone()
    (folder / "small_disk.py").write_text(
        "from ocpp_server.settings import *\n\n"
        'DATABASES["default"]["OPTIONS"]["init_command"] += '
        f'"; PRAGMA max_page_count={pages + ROOM_PAGES}"\n',
        "utf-8",
    )
    server.environment |= {
        "DJANGO_SETTINGS_MODULE": "small_disk",
        "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
        "LOG_LEVEL": "WARNING",
        "OCPP_JOURNAL_BUDGET": "2s",
        "OCPP_UNKNOWN_TOKENS": "accept",
    }
    return server


def make_room(database: Path) -> None:
    """Drop the unused table: the database then has free pages and its file need not grow."""
    with closing(sqlite3.connect(database, timeout=30)) as other:
        other.execute("DROP TABLE filler")
        other.commit()


async def test_F31_a_full_disk_closes_sockets_and_loses_no_message(
    tmp_path: Path, migrated_database: Path
) -> None:
    server = filled(tmp_path / "server", migrated_database)
    await asyncio.to_thread(server.start)
    expected, answers = ExpectedData(), AnswerCounter()
    seed = chosen_seed("stations")
    stations = make_stations(STATIONS, FixedEndpoint(server.ocpp), expected, seed=seed, observer=answers)
    try:
        async with running(stations, timeout_s=120):
            await answers.more(3 * STATIONS)
            await eventually(lambda: all(station.closes for station in stations), 120)
            status, parts = await asyncio.to_thread(server.request, "GET", "/health/ready")
            alive, _ = await asyncio.to_thread(server.request, "GET", "/health")

            await asyncio.to_thread(make_room, server.database)

            await answers.more(10 * STATIONS)
            await eventually(lambda: server.request("GET", "/health/ready")[0] == 200, 120)
    finally:
        server.stop()

    assert (alive, status) == (200, 503)
    assert not parts["data"]["parts"]["journal"]["ok"]
    assert {code for station in stations for code in station.closes} == {1013}
    assert expected.violations(server.database, has_gaps=True) == []
    log = server.log.read_text("utf-8", "replace")
    assert "database or disk is full" in log and "Traceback" not in log
