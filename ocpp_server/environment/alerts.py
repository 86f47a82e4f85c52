"""The settings of alerts: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from ocpp_server.environment.parsers import duration, positive_duration
from ocpp_server.environment.variable import Variable

_GROUP = "Alerts"

ALERT_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "ALERT_INTERVAL",
        "30s",
        positive_duration,
        "The time between two evaluations of the rules of alerts.",
        _GROUP,
    ),
    Variable(
        "ALERT_WARMUP",
        "5m",
        duration,
        "After a start of the server no alert about stations opens for this long, because they need time to "
        "come back.",
        _GROUP,
    ),
    Variable(
        "ALERT_RETENTION",
        "400d",
        positive_duration,
        "How long resolved alerts are kept, with their notes and notices.",
        _GROUP,
    ),
)
