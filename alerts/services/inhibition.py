"""The fixed table of causes: while the alert of a cause is unresolved, nothing is sent about its effects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from alerts.models import Alert
from alerts.services.codes import attempts, desired, sessions, stations

# An inhibited alert that outlives its cause by this time counts on its own.
JUDGED_AGAIN_AFTER: Final = timedelta(minutes=2)

_OF_A_STATION: Final = frozenset(
    code.name
    for code in (
        stations.FAULTED,
        stations.UNAVAILABLE,
        stations.STUCK,
        stations.CLOCK,
        stations.SILENT,
        sessions.LONG,
        sessions.NO_ENERGY,
        *desired.CODES,
    )
)


def key_of(code: str, *parts: str | int) -> str:
    """The key of a cause: the code, then what tells causes of this code apart."""
    return ":".join((code, *map(str, parts)))


def causes(code: str, *, station: str, site: int | None, key: str = "") -> list[str]:
    """The keys of the alerts that explain one of this code, the widest first."""
    if code == attempts.FIRMWARE.name:
        return [key_of(sessions.CAMPAIGN.name, key.split(":")[1])] if key else []
    fleet = key_of(stations.FLEET_OFFLINE.name)
    if code == stations.SITE_OFFLINE.name:
        return [fleet]
    if code == stations.OFFLINE.name:
        own = [key_of(stations.FLAPPING.name, station)]
    elif code in _OF_A_STATION:
        own = [key_of(stations.OFFLINE.name, station)]
    else:
        return []
    of_site = [key_of(stations.SITE_OFFLINE.name, site)] if site is not None else []
    return [fleet, *of_site, *own]


def cause_of(alert: Alert, unresolved: Mapping[str, Alert]) -> Alert | None:
    """The unresolved alert that explains this one."""
    for key in causes(alert.code, station=alert.station, site=alert.site_id, key=alert.key):
        if (cause := unresolved.get(key)) is not None and cause.pk != alert.pk:
            return cause
    return None
