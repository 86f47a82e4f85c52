"""The envelope of an event, as REST, Server-Sent Events, webhooks and MQTT show it.

`EventSerializer` documents this shape; a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

import orjson

from accounts.models import Token
from chargepoints.models import Site
from events.models import Event
from ocpp_server.protocol.translate import time as time_text

NOTHING: Final[Mapping[int, str]] = MappingProxyType({})


class OfSite(Protocol):
    """An event, as a row or as its content."""

    @property
    def site_id(self) -> int | None: ...


class Content(NamedTuple):
    """An event without its row: its number in the stream, and the parts of the envelope."""

    id: str
    type: str
    version: int
    position: int
    sequence: int | None
    station: str
    site_id: int | None
    at: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> Content:
        assert event.position is not None
        return cls(
            event.uid,
            event.type,
            event.version,
            event.position,
            event.sequence,
            event.station,
            event.site_id,
            event.at,
            event.content,
        )


def site_names(rows: Iterable[OfSite]) -> dict[int, str]:
    """The names of the events' sites, in one query."""
    keys = {row.site_id for row in rows if row.site_id is not None}
    return dict(Site.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}


def site_of(row: OfSite, sites: Mapping[int, str]) -> dict[str, Any] | None:
    return None if row.site_id is None else {"id": row.site_id, "name": sites.get(row.site_id)}


def token_uids(rows: Iterable[Event]) -> dict[int, str]:
    """The uids of the tokens that the events are about, in one query; for callers who may see them.

    The row of an erased person's token has a pseudonym.
    """
    return _uids(row.content for row in rows if row.is_personal)


def content(row: Event, uids: Mapping[int, str]) -> dict[str, Any]:
    """The data of the event, with the whole uid of its token if `uids` has it."""
    return _with_uid(row.content, uids) if uids and row.is_personal else row.content


def with_whole_tokens(contents: Sequence[Content]) -> list[Content]:
    """The contents with the whole uid of each token instead of its first characters."""
    uids = _uids(one.data for one in contents)
    return [one._replace(data=_with_uid(one.data, uids)) for one in contents] if uids else list(contents)


def _uids(found: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    keys = {pk for data in found if (pk := _token(data)) is not None}
    return dict(Token.objects.filter(pk__in=keys).values_list("pk", "uid")) if keys else {}


def _with_uid(data: Mapping[str, Any], uids: Mapping[int, str]) -> dict[str, Any]:
    uid = uids.get(_token(data) or 0)
    return dict(data) | {name: uid for name in ("idTag", "uid") if uid is not None and data.get(name)}


def _token(data: Mapping[str, Any]) -> int | None:
    pk = data.get("tokenId", data.get("token_id"))
    return pk if isinstance(pk, int) else None


def envelope(content: Content, sites: Mapping[int, str]) -> dict[str, Any]:
    """The event as JSON values, with the names of `site_names`."""
    return {
        "id": content.id,
        "type": content.type,
        "timestamp": time_text(content.at.astimezone(UTC)),
        "version": content.version,
        "position": content.position,
        "sequence": content.sequence,
        "station": content.station or None,
        "site": site_of(content, sites),
        "data": content.data,
    }


def encoded(row: Event, sites: Mapping[int, str], uids: Mapping[int, str] = NOTHING) -> bytes:
    """The envelope as one line of JSON, with the uids of `token_uids`."""
    return orjson.dumps(envelope(Content.of(row)._replace(data=content(row, uids)), sites))
