"""The settings of alerts: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from urllib.parse import urlsplit

from ocpp_server.environment.parsers import duration, positive_duration
from ocpp_server.environment.variable import Variable

_GROUP = "Alerts"


def heartbeat_url(value: str) -> str:
    """An http or https address; empty is none. Errors never repeat the value, because it is a secret."""
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.username is not None or not (value.isascii() and value.isprintable()):
        raise ValueError("is not an address such as https://hc-ping.com/<id>, without a user name")
    return value


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
    Variable(
        "ALERT_HEARTBEAT_URL",
        "",
        heartbeat_url,
        "An address of a service such as healthchecks.io. It gets a GET request every 60 s while the rules "
        "of alerts are judged, and raises an alert when none comes: no server can report its own end. Keep "
        "it secret. Empty: none.",
        _GROUP,
    ),
)
