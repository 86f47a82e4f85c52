"""Write docs/events.md from the catalogue.

Run `python -m ocpp_server.events.docs`; a test compares the page with the catalogue.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ocpp_server.events import catalogue
from ocpp_server.events.types import EventType

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "events.md"

_INTRODUCTION = """\
# Events

Every change worth knowing is an event. It is stored in the same database transaction as the change, so it
exists exactly when the change does. Events are delivered at least once, and in order for each station:
`sequence` rises by one for each event of a station. There is no order between stations, and a consumer may
get an event twice, always with the same `id`.

## Streams

`GET /api/v1/events/stream` sends each event within a second as a record of Server-Sent Events: its position
as `id`, its type as `event`, and the event as one line of JSON as `data`.

    $ curl -N -H "Authorization: Api-Key $KEY" "$SERVER/api/v1/events/stream?types=transaction.*"
    retry: 3000
    : connected

    id: 918273
    event: transaction.ended
    data: {"id":"evt_0193a5","type":"transaction.ended","sequence":1841,"station":"CP-7",...}

1. A new client gets new events only; `after=<position>` begins after that position, `after=0` with the
   oldest.
2. Store the event and its `id` together, then read on. After a lost connection connect again with the last
   id in the header `Last-Event-ID` (a browser's EventSource does so by itself), to any process of the server.
3. A first record `stream.reset` says that events before its `position` are missing: `reason` is `expired`
   when they were deleted (`EVENT_RETENTION`), `unknown` when the server has never given the position. Read
   the resources again; the events after `position` follow.
4. A comment comes every 15 seconds at least. A client that has received nothing for longer connects again.
   A record with an `id` only is a position without an event: all before it did not match the filters.

`docs/examples/store_events.py` does all this: it stores each event exactly once in SQLite, and a test kills
it again and again. Without dependencies, it is a beginning for a consumer of your own.

The server ends a stream after about an hour, when it shuts down, when the key is revoked, and when the client
reads so slowly that 1,000 events or 1 MiB wait. A process serves 200 streams, and 10 for each caller; more
are refused with 429.

The EventSource of a browser sends no header, and a key in a URL would be in logs. A page of another origin
gets a ticket from its own server: `POST /api/v1/events/tickets` with the filters, `{"types":
["transaction.*"]}`, returns a `url` that opens one stream within 60 seconds. For another one create another
ticket, and add `&after=` with the last id.

## Pages

`GET /api/v1/events` returns the same events in pages:

1. Begin without `after` (the oldest event that is kept) or with `after=latest` (only new ones).
2. Handle the page, then keep its `next`, and request `after=<next>`. Repeat at once while `more` is true,
   otherwise after a pause.
3. After a crash continue with the `next` that was kept. An event may be read twice; its `id` is the same
   each time.
4. When `gap` is true, events were deleted before they were read: they are kept for `EVENT_RETENTION`. Read
   the resources again, and continue with `next`.

`types=transaction.*,connector.status_changed`, `station=` and `site=` select events in pages and streams;
`limit` of a page is 1 to 500. The role viewer is enough. `GET /api/v1/events/{id}` returns one event.

| field | |
|---|---|
| `id` | `evt_` and a UUIDv7: the same each time that the event is read |
| `type` | one of the types below |
| `timestamp` | when the server stored it; the station's own times are in `data` |
| `version` | the version of the type's data |
| `position` | its place in the stream of all events: rises by one |
| `sequence` | its place among the events of its station: rises by one; null without a station |
| `station`, `site` | the station's identity, and the site with `id` and `name`; null without one |
| `data` | the fields of the type, in at most 8 KiB; `truncated` when longer texts were cut |

Tokens are masked: the first four characters and four dots, with the token's number beside them. With
`tokens=whole` administrators get the whole uids of known tokens; each such request is logged. Names and
addresses of drivers are in no event; `actor` is the login of an operator or `key` and the name of an API key.
The JSON Schema of a type's data is at `/api/schema/events/<type>.json`.

Types with a star are stored only when `EVENT_TYPES` names them: `EVENT_TYPES=meter.sampled,station.*`.

This page is generated from `ocpp_server/events/catalogue/` by `python -m ocpp_server.events.docs`.
"""


def page() -> str:
    lines = [_INTRODUCTION, "## Types", "", "| type | |", "|---|---|"]
    lines += [f"| [`{kind.name}`](#{_anchor(kind)}){_star(kind)} | {kind.sentence} |" for kind in _kinds()]
    for kind in _kinds():
        lines += ["", f"### {kind.name}", "", kind.sentence, "", "| field | kind | |", "|---|---|---|"]
        lines += [
            f"| `{each.name}` | {each.kind}{' or null' if each.optional else ''} | {each.sentence} |"
            for each in kind.fields
        ]
        example = msgspec.json.format(msgspec.json.encode(kind.example), indent=2).decode()
        lines += ["", "```json", example, "```"]
    lines += [
        "",
        "## Types that follow",
        "",
        "These names are reserved. Nothing emits them yet.",
        "",
        "| type | comes with |",
        "|---|---|",
        *(f"| `{name}` | {block} |" for name, block in catalogue.NOT_YET.items()),
        "",
    ]
    return "\n".join(lines)


def _kinds() -> list[EventType]:
    return sorted(catalogue.EVENTS.values(), key=lambda kind: kind.name)


def _anchor(kind: EventType) -> str:
    return kind.name.replace(".", "")


def _star(kind: EventType) -> str:
    return " *" if kind.is_starred else ""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
