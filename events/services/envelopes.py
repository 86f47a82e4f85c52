"""The envelope of an event, as REST, Server-Sent Events and other ways of delivery show it.

`EventSerializer` documents this shape; a test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import orjson

from chargepoints.models import Site
from events.models import Event
from ocpp_server.protocol.translate import time as time_text


def site_names(rows: Sequence[Event]) -> dict[int, str]:
    """The names of the events' sites, in one query."""
    keys = {row.site_id for row in rows if row.site_id is not None}
    return dict(Site.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}


def site_of(row: Event, sites: Mapping[int, str]) -> dict[str, Any] | None:
    return None if row.site_id is None else {"id": row.site_id, "name": sites.get(row.site_id)}


def envelope(row: Event, sites: Mapping[int, str]) -> dict[str, Any]:
    """The event as a dictionary of JSON values; `sites` are the names of `site_names`."""
    return {
        "id": row.uid,
        "type": row.type,
        "timestamp": time_text(row.at.astimezone(UTC)),
        "version": row.version,
        "position": row.position,
        "sequence": row.sequence,
        "station": row.station or None,
        "site": site_of(row, sites),
        "data": row.content,
    }


def encoded(row: Event, sites: Mapping[int, str]) -> bytes:
    """The envelope as one line of JSON."""
    return orjson.dumps(envelope(row, sites))
