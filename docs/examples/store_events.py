"""A consumer of events: it stores each event exactly once in SQLite, and continues after a crash.

    CSMS_API_KEY=ocs_... python3 store_events.py events.sqlite3 https://csms.example [https://other.example]

It needs the standard library only. Several addresses are processes of the same server: it uses the next one
when a connection ends. It may be killed at any moment.

1. An event and its position are stored in one transaction, so the position is never ahead of the events.
2. The `id` of an event is unique: an event that arrives twice is stored once.
3. `Last-Event-ID` makes the server continue after the stored position.
4. `stream.reset` says that events are missing. It is stored in the table `resets`: read the resources that
   you keep again, from the REST API.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

PATH = "/api/v1/events/stream"
# The server sends a comment every 15 seconds: a connection that is silent for longer is dead.
TIMEOUT_S = 45
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    station TEXT,
    sequence INTEGER,
    type TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    data TEXT NOT NULL,
    received_at REAL NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS events_of_station ON events (station, sequence);
CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS resets (position INTEGER, reason TEXT NOT NULL, received_at REAL NOT NULL);
INSERT OR IGNORE INTO progress VALUES (1, 0);
"""


class Record(NamedTuple):
    """One record of Server-Sent Events. `data` is empty for a position without an event."""

    id: int
    event: str
    data: str


class Refused(Exception):  # noqa: N818 - named for what happened
    """The server refuses the request, and would refuse it again."""


def main(file: str, *addresses: str) -> None:
    database = sqlite3.connect(file)
    # A crash of the machine may lose the last transactions, but always events and position together.
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + SCHEMA)
    key = os.environ["CSMS_API_KEY"]
    for address in itertools.cycle(addresses):
        (position,) = database.execute("SELECT position FROM progress").fetchone()
        try:
            for record in records(address, key, position):
                store(database, record)
        except (OSError, http.client.HTTPException) as error:
            print(f"{address}: {error!r}", file=sys.stderr, flush=True)
        time.sleep(1)


def store(database: sqlite3.Connection, record: Record) -> None:
    """Store a record and its position in one transaction."""
    with database:
        if record.event == "stream.reset":
            reason = json.loads(record.data)["reason"]
            database.execute("INSERT INTO resets VALUES (?, ?, ?)", (record.id, reason, time.time()))
        elif record.data:
            event = json.loads(record.data)
            database.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                (
                    event["id"],
                    event["position"],
                    event["station"],
                    event["sequence"],
                    event["type"],
                    event["timestamp"],
                    json.dumps(event["data"]),
                    time.time(),
                ),
            )
        database.execute("UPDATE progress SET position = ?", (record.id,))


def records(address: str, key: str, position: int) -> Iterator[Record]:
    """The records after a position, until the connection ends. Raises OSError, HTTPException, Refused."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_S)
    try:
        headers = {"Authorization": f"Api-Key {key}", "Last-Event-ID": str(position)}
        connection.request("GET", f"{parts.path.rstrip('/')}{PATH}", headers=headers)
        answer = connection.getresponse()
        if answer.status in (400, 401, 403, 404):
            raise Refused(f"{answer.status}: {answer.read(1000).decode('utf-8', 'replace')}")
        if answer.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"status {answer.status}")
        yield from parsed(answer)
    finally:
        connection.close()


def parsed(lines: Iterator[bytes] | http.client.HTTPResponse) -> Iterator[Record]:
    """The records in the lines of a stream. One that was cut off is left out."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif line.rstrip(b"\r\n"):
            continue  # a comment
        elif "id" in fields:
            yield Record(int(fields["id"]), fields.get("event", ""), fields.get("data", ""))
            fields = {}
        else:
            fields = {}


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refused:
        raise SystemExit(f"The server refuses the request: {refused}") from None
