"""The table of codes: every kind of alert. `alerts.docs` writes docs/alerts.md from it."""

from __future__ import annotations

from typing import Final

from alerts.services.codes import attempts, channels, desired, monitors, server, sessions, stations
from alerts.services.codes.declaration import Code

CODES: Final[dict[str, Code]] = {
    each.name: each
    for each in (
        *stations.CODES,
        *sessions.CODES,
        *attempts.CODES,
        *monitors.CODES,
        *desired.CODES,
        *channels.CODES,
        *server.CODES,
    )
}

__all__ = ["CODES", "Code"]
