"""Numbers events after their commit: the position of all events, and the sequence of each station.

Web processes, processors and housekeeping all write events, so none of them can number without gaps. One
elected reader does it:

1. It locks the row `Stream` first. A second reader, during a change of the elected process, waits here; it
   then sees what the first one has numbered, because each statement of PostgreSQL has a snapshot of its own
   (READ COMMITTED). SQLite has one writer.
2. It reads the rows without a position, in the order of their ids. Only committed rows are visible. The rows
   of one station have rising ids in the order of their commits, because a connection commits one message
   after the other, and a newer connection loads the station after the last commit of the older one.
3. It writes the numbers and the last numbers in the same transaction. A killed reader leaves nothing.

So positions rise in the order in which they become visible, and a consumer that asks for `position > after`
never misses a row. The clock plays no part.
"""

from __future__ import annotations

from collections import Counter

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from events.models import Stream
from events.tables import EVENTS, STATION_STREAMS

# Rows in one transaction: enough to catch up with thousands a second, few enough that stations wait briefly
# for the writer thread.
BATCH = 1000  # equivalent: the rest is numbered by the next transaction


def number_some(limit: int = BATCH) -> Counter[str]:
    """Number the oldest events without a number. Returns how many of each type; an empty Counter when there
    are none.
    """
    # Plain SQL: up to twenty times a second, the ORM would cost more than the database.
    with connection.cursor() as cursor:
        # A poll without work must not lock.
        cursor.execute("SELECT 1 FROM api_events WHERE position IS NULL LIMIT 1")
        if cursor.fetchone() is None:
            return Counter()
        # The journal has set a savepoint already, and a second one costs as much as ten events.
        with transaction.atomic(savepoint=False):  # equivalent: a savepoint only costs time
            return _number(cursor, limit)


def _number(cursor: CursorWrapper, limit: int) -> Counter[str]:
    position = before = _lock(cursor)
    cursor.execute(
        "SELECT id, station, type FROM api_events WHERE position IS NULL ORDER BY id LIMIT %s", [limit]
    )
    rows = cursor.fetchall()
    if not rows:
        return Counter()
    known = _sequences(cursor, {station for _, station, _ in rows if station})
    last = dict(known)
    numbered = []
    for position, (id, station, _) in enumerate(rows, before + 1):
        sequence = None
        if station:
            sequence = last[station] = last.get(station, 0) + 1
        numbered.append((position, sequence, id))
    EVENTS.update(("position", "sequence"), numbered)
    _keep(known, last)
    cursor.execute("UPDATE api_event_stream SET position = %s WHERE id = %s", [position, Stream.ALL])
    return Counter(type for _, _, type in rows)


def _lock(cursor: CursorWrapper) -> int:
    """Lock the stream until the transaction ends. Returns the last position."""
    # An update, because SQLite has no SELECT ... FOR UPDATE.
    lock = "UPDATE api_event_stream SET position = position WHERE id = %s"
    cursor.execute(lock, [Stream.ALL])
    if not cursor.rowcount:
        Stream.objects.bulk_create([Stream()], ignore_conflicts=True)
        cursor.execute(lock, [Stream.ALL])
    cursor.execute("SELECT position FROM api_event_stream WHERE id = %s", [Stream.ALL])
    position: int = cursor.fetchone()[0]
    return position


def _sequences(cursor: CursorWrapper, stations: set[str]) -> dict[str, int]:
    if not stations:
        return {}
    places = ", ".join(["%s"] * len(stations))
    cursor.execute(
        f"SELECT station, sequence FROM api_event_stations WHERE station IN ({places})",  # noqa: S608 - only placeholders
        sorted(stations),
    )
    return dict(cursor.fetchall())


def _keep(known: dict[str, int], last: dict[str, int]) -> None:
    changed = [(number, station) for station, number in sorted(last.items()) if station in known]
    new = sorted(last.keys() - known.keys())
    if changed:
        STATION_STREAMS.update(("sequence",), changed)
    if new:
        STATION_STREAMS.insert([STATION_STREAMS.row({"station": s, "sequence": last[s]}) for s in new])
