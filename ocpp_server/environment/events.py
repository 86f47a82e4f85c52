"""The settings of events: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import event_interval, event_retention, names, positive_duration
from ocpp_server.environment.variable import Variable

_GROUP = "Events"

EVENT_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "EVENT_TYPES",
        "",
        names,
        "Types of events that are stored in addition, separated by commas: those with a star in "
        "docs/events.md, or patterns such as station.*.",
        _GROUP,
    ),
    Variable(
        "EVENT_RETENTION",
        "7d",
        event_retention,
        "How long events are kept for consumers that were away; at least 3d.",
        _GROUP,
    ),
    Variable(
        "DELETION_RETENTION",
        "90d",
        event_retention,
        "How long the REST API shows deleted rows to systems that mirror its lists; at least 3d.",
        _GROUP,
    ),
    Variable(
        "EVENT_OFFLINE_AFTER",
        "60s",
        positive_duration,
        "How long a station must be gone, or back, until station.offline or station.online says so.",
        _GROUP,
    ),
    Variable(
        "EVENT_UPDATE_INTERVAL",
        "60s",
        event_interval,
        "The least time between two transaction.updated for new energy of a session: 10s to 900s, or 0 for "
        "none.",
        _GROUP,
    ),
)
