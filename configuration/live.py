"""The stored configuration of live stations: keys whose values differ from their defaults, no secrets; and
their open event streams.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from chargepoints.models import ChargePoint
from configuration.models import EventStream, StoredKey
from configuration.services.variables.catalogue import is_secret
from ocpp_server import live
from ocpp_server.live.extensions import ByKey, Slot
from ocpp_server.live.station import Station
from ocpp_server.protocol.actions import from_station
from ocpp_server.storage.journal import journal

# A change by a process without news (`manage.py shell` on the same SQLite file) is visible after this time.
CACHED_S = 30.0
# The action without which a station has no streams.
_OPENS = "OpenPeriodicEventStream"


class Keys(msgspec.Struct):
    """The keys of one live station, read when it asks for them first: most stations never do."""

    values: Mapping[str, str] = {}
    read_at: float = 0.0
    version: object = None


class _Stored:
    # A new object after every change of any station: changes are rare.
    version: object = object()


def _forget(identity: str | None) -> None:
    _Stored.version = object()


STORED_KEYS = Slot(name="stored_keys", empty=Keys, forget=_forget)


async def stored_keys(station: Station) -> Mapping[str, str]:
    """The keys of a station; from the database once, then from its slot until a key changes."""
    keys, now, version = STORED_KEYS.of(station), time.monotonic(), _Stored.version
    is_fresh = keys.version is version and now - keys.read_at < CACHED_S
    if not is_fresh or not live.state().is_current:
        keys.values = await journal.run(read_stored_keys, station.pk)
        # The version before the query: a change during the query makes its result old.
        keys.version, keys.read_at = version, now
    return keys.values


def read_stored_keys(charge_point_pk: int) -> dict[str, str]:
    """The keys of one station. Secrets stay in the database, and so does whether they were set."""
    rows = StoredKey.objects.filter(charge_point=charge_point_pk).values_list("key", "value")
    return {key: value for key, value in rows if not is_secret(key)}


def read_all_stored_keys() -> dict[str, dict[str, str]]:
    """The keys of every station by identity, stations without keys included."""
    found: dict[str, dict[str, str]] = {}
    rows = ChargePoint.objects.values_list("identity", "stored_keys__key", "stored_keys__value")
    for identity, key, value in rows.order_by("pk"):
        keys = found.setdefault(identity, {})
        if key is not None and not is_secret(key):
            keys[key] = value
    return found


class OpenStream(msgspec.Struct):
    """A stream that the station has opened: the key of its row, and the station's number of its monitor."""

    pk: str
    monitor_id: int


def load_streams(by_pk: ByKey) -> None:
    """Load the open streams of the stations, by the station's number of each; no query before 2.1."""
    able = [pk for pk, ones in by_pk.items() if any(_OPENS in from_station(one.version) for one in ones)]
    if not able:
        return
    rows = EventStream.objects.filter(charge_point__in=able, closed_at__isnull=True).order_by("opened_at")
    for pk, charge_point_pk, stream_id, monitor_id in rows.values_list(
        "pk", "charge_point", "stream_id", "monitor_id"
    ):
        for station in by_pk[charge_point_pk]:
            STREAMS.of(station)[stream_id] = OpenStream(pk=pk, monitor_id=monitor_id)


STREAMS = Slot(name="event_streams", empty=dict[int, OpenStream], load=load_streams)
