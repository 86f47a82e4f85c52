"""Reads the stream of events: what has happened once opens an alert, and boots are counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from alerts.services import monitors
from alerts.services.codes import stations
from alerts.services.findings import Finding
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import ChargePoint
from events.models import Event
from events.services import reading
from ocpp_server.events.catalogue import stations as events

_TYPES: Final = (events.BOOTED.name, events.SECURITY.name, events.MONITOR.name)
_PAGE: Final = 500
# Pages of one look; the next one goes on. Positions without an event of these types cost little.
_MOST_PAGES: Final = 40
_ACCEPTED: Final = ChargePoint.Registration.ACCEPTED.value
_DUPLICATE: Final = "DuplicateIdentity"


def read(look: Look, *, judged: int) -> int:
    """Read the events since the last look. Returns the position up to which they were read.

    Events up to the position `judged` have opened their alerts already: they are only counted.
    """
    memory = look.memory
    if memory.position is None:
        within = look.rules.highest(stations.BOOT_LOOP.name, "within_s") if _counts_boots(look) else 0
        memory.position = min(judged, _position_at(look.now - timedelta(seconds=within)))
    position = memory.position
    triggered: list[Event] = []
    for _ in range(_MOST_PAGES):
        page = reading.read(position, limit=_PAGE, conditions={"type__in": _TYPES})
        for event in page.events:
            is_new = event.position is not None and event.position > judged
            if event.type != events.MONITOR.name:
                _judge(look, event, is_new=is_new)
            elif is_new:
                triggered.append(event)
        position = page.next
        if not page.more:
            break
    monitors.judge(look, triggered)
    return position


def _counts_boots(look: Look) -> bool:
    return look.rules.is_enabled(stations.BOOT_LOOP.name)


def _judge(look: Look, event: Event, *, is_new: bool) -> None:
    data = event.content
    if event.type == events.BOOTED.name:
        if data.get("registrationStatus") == _ACCEPTED:
            at = look.monotonic - max(0.0, (look.now - event.at).total_seconds())
            look.memory.boots.add(event.station, at)
        return
    if not is_new:
        return
    kind = str(data.get("eventType", ""))
    if kind == _DUPLICATE:
        code, parts = stations.DUPLICATE, [event.station]
        title = f"Two devices connect as {event.station}"
    elif data.get("critical"):
        code, parts = stations.SECURITY, [event.station, kind]
        title = f"{event.station or 'This server'} reports {kind}"
    else:
        return
    look.occurrences.append(
        Finding(
            code=code.name,
            key=key_of(code.name, *parts)[:400],
            title=title,
            detail=str(data.get("techInfo", "")),
            station=event.station,
            site=event.site_id,
        )
    )


def _position_at(moment: datetime) -> int:
    """A position before the first event after this time. Positions rise with time."""
    low, high = 0, reading.last_position()
    while low < high:
        middle = (low + high + 1) // 2
        found = Event.objects.numbered().filter(position__gte=middle).values_list("position", "at").first()
        if found is None or found[1] > moment:
            high = middle - 1
        else:
            low = middle
    return low
