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

from django.db import transaction
from django.db.models import F

from events.models import Event, StationStream, Stream
from events.tables import EVENTS, STATION_STREAMS

# Rows in one transaction: enough to catch up with thousands a second, few enough that stations wait briefly
# for the writer thread.
BATCH = 1000


def number_some(limit: int = BATCH) -> Counter[str]:
    """Number the oldest events without a number. Returns how many of each type; an empty Counter when there
    are none.
    """
    waiting = Event.objects.unnumbered()
    # A poll without work must not lock.
    if not waiting.exists():
        return Counter()
    with transaction.atomic():
        position = _lock()
        rows = list(waiting.order_by("id").values_list("id", "station", "type")[:limit])
        known = _sequences({station for _, station, _ in rows})
        last = dict(known)
        numbered = []
        for id, station, _ in rows:
            position += 1
            sequence = None
            if station:
                sequence = last[station] = last.get(station, 0) + 1
            numbered.append((position, sequence, id))
        if rows:
            EVENTS.update(("position", "sequence"), numbered)
            _keep(known, last)
            Stream.objects.filter(pk=Stream.ALL).update(position=position)
    return Counter(type for _, _, type in rows)


def _lock() -> int:
    """Lock the stream until the transaction ends. Returns the last position."""
    stream = Stream.objects.filter(pk=Stream.ALL)
    # An update, because SQLite has no SELECT ... FOR UPDATE.
    if not stream.update(position=F("position")):
        Stream.objects.bulk_create([Stream()], ignore_conflicts=True)
        stream.update(position=F("position"))
    return stream.values_list("position", flat=True).get()


def _sequences(stations: set[str]) -> dict[str, int]:
    found = StationStream.objects.filter(pk__in=stations - {""})
    return dict(found.values_list("station", "sequence"))


def _keep(known: dict[str, int], last: dict[str, int]) -> None:
    changed = [(number, station) for station, number in sorted(last.items()) if station in known]
    new = sorted(last.keys() - known.keys())
    if changed:
        STATION_STREAMS.update(("sequence",), changed)
    if new:
        STATION_STREAMS.insert([STATION_STREAMS.row({"station": s, "sequence": last[s]}) for s in new])
