"""The envelope of an event, as REST, Server-Sent Events and other ways of delivery show it.

`EventSerializer` documents this shape; a test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Any, Final

import orjson

from accounts.models import Token
from chargepoints.models import Site
from events.models import Event
from ocpp_server.protocol.translate import time as time_text

NOTHING: Final[Mapping[int, str]] = MappingProxyType({})


def site_names(rows: Sequence[Event]) -> dict[int, str]:
    """The names of the events' sites, in one query."""
    keys = {row.site_id for row in rows if row.site_id is not None}
    return dict(Site.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}


def site_of(row: Event, sites: Mapping[int, str]) -> dict[str, Any] | None:
    return None if row.site_id is None else {"id": row.site_id, "name": sites.get(row.site_id)}


def token_uids(rows: Sequence[Event]) -> dict[int, str]:
    """The uids of the tokens that the events are about, in one query; for callers who may see them.

    The row of an erased person's token has a pseudonym.
    """
    keys = {pk for row in rows if row.is_personal and (pk := _token(row.content)) is not None}
    return dict(Token.objects.filter(pk__in=keys).values_list("pk", "uid")) if keys else {}


def content(row: Event, uids: Mapping[int, str]) -> dict[str, Any]:
    """The data of the event, with the whole uid of its token if `uids` has it."""
    data = row.content
    if uids and row.is_personal and (uid := uids.get(_token(data) or 0)) is not None:
        for name in ("idTag", "uid"):
            if data.get(name):
                data[name] = uid
    return data


def _token(data: Mapping[str, Any]) -> int | None:
    pk: int | None = data.get("tokenId", data.get("token_id"))
    return pk


def envelope(row: Event, sites: Mapping[int, str], uids: Mapping[int, str] = NOTHING) -> dict[str, Any]:
    """The event as JSON values, with the names of `site_names` and the uids of `token_uids`."""
    return {
        "id": row.uid,
        "type": row.type,
        "timestamp": time_text(row.at.astimezone(UTC)),
        "version": row.version,
        "position": row.position,
        "sequence": row.sequence,
        "station": row.station or None,
        "site": site_of(row, sites),
        "data": content(row, uids),
    }


def encoded(row: Event, sites: Mapping[int, str], uids: Mapping[int, str] = NOTHING) -> bytes:
    """The envelope as one line of JSON."""
    return orjson.dumps(envelope(row, sites, uids))
