"""A station in memory, and what its handlers add to its unit of work: no message, no database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from events.tables import EVENTS
from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station
from ocpp_server.storage.bulk import Table

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SITE = 7
STATION = 3


def a_station(*statuses: str, version: str = "ocpp1.6", **more: Any) -> Station:
    """A station at a site with a connector for each status, the first one on EVSE 1."""
    station = Station(pk=STATION, identity="CP-1", version=version)
    station.site_pk = SITE
    station.received_at = NOON
    for number, status in enumerate(statuses, 1):
        station.connectors[number, 1] = ConnectorState(pk=10 + number, evse=number, number=1, status=status)
    for name, value in more.items():
        setattr(station, name, value)
    return station


async def handled(
    handler: Callable[..., Awaitable[Any]], station: Station, action: str, request: dict[str, Any]
) -> Any:
    """The answer of a handler to the message of a station, received at noon."""
    station.begin(orjson.dumps([2, "m1", action, request]).decode(), NOON)
    station.action, station.payload, station.request = action, orjson.dumps(request).decode(), request
    return await handler(station, request)


def events(station: Station) -> list[tuple[str, dict[str, Any]]]:
    """The type and the data of each event, which all name the station and its site."""
    found = []
    for row in rows(station, EVENTS):
        assert (row["station"], row["site_id"]) == (station.identity, station.site_pk)
        found.append((row["type"], orjson.loads(row["data"])))
    return found


def rows(station: Station, table: Table) -> list[dict[str, Any]]:
    """The inserted rows of a table, by the names of their columns."""
    return [dict(zip(table.names, row, strict=True)) for into, row in station.unit.inserts if into is table]


def changed(station: Station, table: Table) -> dict[Any, dict[str, Any]]:
    """The columns that are set, by the key of the row."""
    found: dict[Any, dict[str, Any]] = {}
    for into, key, columns in station.unit.updates:
        if into is table:
            found.setdefault(key, {}).update(columns)
    return found


def deviations(station: Station) -> list[tuple[str, str]]:
    """The kind and the path of each deviation."""
    return [(kind, path) for kind, _, path in station.deviations]
