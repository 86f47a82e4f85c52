"""Security events: those that stations report, and those that the server notices (2.0.1 A04)."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime
from threading import Lock
from typing import Final

import structlog
from django.db import transaction

from chargepoints.models import ChargePoint, SecurityEvent
from chargepoints.tables import SECURITY_EVENTS
from ocpp_server.addresses import address_key
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.observability import measures
from ocpp_server.observability.masking import masked_words

# At most this many events of one station are stored in an hour, and as many events of the server about it.
# Otherwise firmware that repeats one event without end would push everything else out of the log (S14).
MAX_PER_HOUR: Final = 300
# At most this many failed logins from one address are stored in an hour; the metrics count all of them.
MAX_LOGINS_PER_HOUR: Final = 10
FLOOD: Final = "SecurityEventFlood"
_HOUR_S: Final = 3600.0
_TRACKED: Final = 50_000

log = structlog.get_logger(__name__)


class Hourly:
    """Counters by name, each for the hour that begins with its first event.

    The event loop counts events of stations, the threads of requests count logins.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def count(self, name: str) -> int:
        """Count one event. Returns how many events this hour has had."""
        now = time.monotonic()
        with self._lock:
            since, times = self._counts.pop(name, (now, 0))
            if now - since >= _HOUR_S:
                since, times = now, 0
            self._counts[name] = since, times + 1
            if len(self._counts) > _TRACKED:
                self._counts.popitem(last=False)
        return times + 1


_reported, _noticed, _logged = Hourly(), Hourly(), Hourly()


def report(*, station: Station, type: str, tech_info: str, at: datetime, is_critical: bool = False) -> None:
    """Store a station's event of any type. Beyond MAX_PER_HOUR it is counted as a deviation."""
    times = _reported.count(station.identity)
    if times <= MAX_PER_HOUR:
        _store(station, type, tech_info, at, from_station=True, is_critical=is_critical)
        return
    station.deviation("security-event-flood", type)
    if times == MAX_PER_HOUR + 1:
        log.warning("station.security_event_flood", station=station.identity, type=type[:100])
        _store(
            station,
            FLOOD,
            f"More than {MAX_PER_HOUR} security events within an hour, the last one {type[:100]!r}: "
            "the rest of the hour is counted as a deviation and not stored.",
            station.received_at,
            from_station=False,
        )


def notice(*, station: Station, type: str, tech_info: str) -> None:
    """Store an event of the server about a station, in the unit of work of its current message."""
    if _noticed.count(station.identity) <= MAX_PER_HOUR:
        _store(station, type, tech_info, station.received_at, from_station=False)


def record(*, charge_point: ChargePoint | None, type: str, tech_info: str) -> None:
    """Store an event of the server outside of a station's messages; `charge_point` is None for one about no
    station.

    It uses the database at once, so the event loop must not call it.
    """
    if _noticed.count(charge_point.identity if charge_point else "") > MAX_PER_HOUR:
        return
    now = datetime.now(UTC)
    with transaction.atomic():
        SecurityEvent.objects.create(
            charge_point=charge_point,
            type=type,
            tech_info=tech_info,
            from_station=False,
            at=now,
            received_at=now,
        )
        outbox.emit(
            stations.SECURITY,
            station=charge_point.identity if charge_point else "",
            site=charge_point.site_id if charge_point else None,
            eventType=type[:255],
            techInfo=tech_info,
            fromStation=False,
            critical=False,
            time=now,
        )


def failed_login(*, type: str, address: str, tech_info: str) -> None:
    """Store a failed login to the admin or the API, at most MAX_LOGINS_PER_HOUR for an address. The metrics
    count all of them.
    """
    measures.authentication_failures.add(type)
    if _logged.count(address_key(address)) <= MAX_LOGINS_PER_HOUR:
        record(charge_point=None, type=type, tech_info=f"{tech_info} From {address or 'an unknown address'}.")


def _store(
    station: Station,
    type: str,
    tech_info: str,
    at: datetime,
    *,
    from_station: bool,
    is_critical: bool = False,
) -> None:
    shown = masked_words(tech_info)
    station.emit(
        stations.SECURITY,
        eventType=type[:255],
        techInfo=shown,
        fromStation=from_station,
        critical=is_critical,
        time=at,
    )
    station.unit.insert(
        SECURITY_EVENTS,
        charge_point_id=station.pk,
        type=type[:255],
        tech_info=shown,
        from_station=from_station,
        is_critical=is_critical,
        at=at,
        received_at=station.received_at,
    )
