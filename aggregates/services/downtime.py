"""When a connector and an EVSE were down: pure rules about the times of outages.

- A connector is down while it is Faulted, while its EVSE is down, and while the station is.
- An EVSE is down while all of its connectors are Faulted or Unavailable. One that is Unavailable beside
  another one is not down: stations report that of the connectors of an EVSE that is in use.
- The station is down while it is offline, Faulted or Unavailable as a whole. A session that runs at an
  offline station shows that the EVSE is in use, so this time is none of an outage.
- An outage in a maintenance window counts as excluded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import NamedTuple

from aggregates.services.spans import Span, Spans, common, union, without

OFFLINE, FAULTED, UNAVAILABLE = "offline", "faulted", "unavailable"
Connector = tuple[int, int]  # the numbers of EVSE and connector


class Fault(NamedTuple):
    """An outage: of the station (EVSE 0) or of a connector."""

    place: Connector
    cause: str
    span: Span


class Downtime(NamedTuple):
    """The times in which the connectors and the EVSEs of a station were down."""

    connectors: dict[Connector, Spans]
    evses: dict[int, Spans]


def of(connectors: Iterable[Connector], faults: Iterable[Fault], occupied: Mapping[int, Spans]) -> Downtime:
    """`occupied`: the times with a session, by EVSE."""
    of_place: dict[Connector, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for place, cause, span in faults:
        of_place[place if place[0] else (0, 0)][cause].append(span)
    whole = of_place.get((0, 0), {})
    offline = union(whole.get(OFFLINE, ()))
    reported = union([*whole.get(FAULTED, ()), *whole.get(UNAVAILABLE, ())])
    evses: dict[int, list[Connector]] = defaultdict(list)
    for connector in sorted(connectors):
        evses[connector[0]].append(connector)
    down = Downtime({}, {})
    for evse, members in evses.items():
        of_station = union([*without(offline, occupied.get(evse, [])), *reported])
        all_of_them = reduce(common, (union(_all(of_place.get(one, {}))) for one in members))
        down.evses[evse] = union([*of_station, *all_of_them])
        for one in members:
            own = of_place.get(one, {}).get(FAULTED, [])
            down.connectors[one] = union([*down.evses[evse], *own])
    return down


def _all(causes: Mapping[str, list[Span]]) -> list[Span]:
    return [span for spans in causes.values() for span in spans]
