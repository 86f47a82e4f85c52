"""Judges the events of monitors (2.x N07): an alarm opens an alert, and a cleared one ends it.

The keys name the monitor too: two monitors of one variable have two limits, and each is cleared alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from alerts.models import Severity
from alerts.services.codes import Code, monitors
from alerts.services.findings import Finding
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import ChargePoint
from configuration.models import VariableMonitor
from events.models import Event
from ocpp_server.protocol.translate.monitors import Monitored

_KEY: Final = 400
_TEMPERATURE: Final = "temperature"
# Components of 2.0.1 part 2 appendix 3 that bring power to a station.
_SUPPLY: Final = frozenset({"electricalfeed", "elvsupply", "distributionpanel", "upstreamprotectiontrigger"})
# 2.0.1 SetVariableMonitoring.
_SEVERITIES: Final = (
    "danger",
    "hardware failure",
    "system failure",
    "critical",
    "error",
    "alert",
    "warning",
    "notice",
    "informational",
    "debug",
)


class _Place(NamedTuple):
    pk: int
    site: int | None


def judge(look: Look, events: Sequence[Event]) -> None:
    """Judge the events of one look, the oldest first. An alarm that ends within the look opens nothing."""
    if not events:
        return
    places = _places(events)
    severities = _severities(events, places)
    for event in events:
        place = places.get(event.station.casefold())
        if place is None:  # deleted meanwhile
            continue
        data = event.content
        of = _monitored(data)
        code = code_of(of)
        keys = _keys(look, code, event.station, of, data)
        if data["isCleared"]:
            look.occurrences = [one for one in look.occurrences if one.key not in keys]
            look.ended |= keys
            continue
        severity = data.get("severity")
        if severity is None:
            severity = severities.get((place.pk, data.get("monitorId")))
        limits = look.rules.of(code.name, station=place.pk, site=place.site).parameters
        if severity is None or severity > limits["severity"]:
            continue
        look.ended -= keys
        look.occurrences.append(
            Finding(
                code=code.name,
                key=_key(code, event.station, of, data),
                title=f"{of.name} of {event.station} is {data['value']}",
                detail=_detail(severity, data),
                station=event.station,
                charge_point=place.pk,
                site=place.site,
                evse=of.evse,
                connector=of.connector,
                severity=Severity.CRITICAL if severity <= limits["critical_severity"] else None,
                value=_number(data["value"]),
            )
        )


def code_of(of: Monitored) -> Code:
    """The code of an alarm about this variable."""
    if _TEMPERATURE in of.variable.casefold() or _TEMPERATURE in of.component.casefold():
        return monitors.TEMPERATURE
    return monitors.POWER_LOST if of.component.casefold() in _SUPPLY else monitors.MONITOR


def _monitored(data: dict[str, Any]) -> Monitored:
    return Monitored(
        data["component"],
        data["componentInstance"],
        data.get("evseId"),
        data.get("connectorId"),
        data["variable"],
        data["variableInstance"],
    )


def _key(code: Code, station: str, of: Monitored, data: dict[str, Any]) -> str:
    number = data.get("monitorId")
    return key_of(code.name, station, of.name if number is None else f"{of.name}#{number}")[:_KEY]


def _keys(look: Look, code: Code, station: str, of: Monitored, data: dict[str, Any]) -> set[str]:
    """The keys that an event is about: without the number of a monitor, all of its variable."""
    key = _key(code, station, of, data)
    if data.get("monitorId") is not None:
        return {key}
    known = {*look.unresolved, *(one.key for one in look.occurrences)}
    return {key, *(one for one in known if one.startswith(f"{key}#"))}


def _detail(severity: int, data: dict[str, Any]) -> str:
    # The value too: the title changes with the detail.
    parts = [f"Severity {severity}, {_SEVERITIES[min(severity, 9)]}. Value {data['value']}."]
    if data["techInfo"]:
        parts.append(f"The station says: {data['techInfo']}")
    if data["techCode"]:
        parts.append(f"Code of the vendor: {data['techCode']}")
    return "\n".join(parts)


def _number(text: str) -> float | None:
    """The value, if it is a number that JSON has."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _places(events: Sequence[Event]) -> dict[str, _Place]:
    """The stations of events, by their identities without case."""
    rows = ChargePoint.objects.by_identities({event.station for event in events}).order_by()
    return {key: _Place(pk, site) for key, pk, site in rows.values_list("identity_key", "pk", "site_id")}


def _severities(events: Sequence[Event], places: dict[str, _Place]) -> dict[tuple[int, int | None], int]:
    """The severities of monitors, by station and number, for the events that have none (2.0.1)."""
    asked = [event for event in events if event.content.get("severity") is None]
    stations = {place.pk for event in asked if (place := places.get(event.station.casefold()))}
    numbers = {event.content["monitorId"] for event in asked if event.content.get("monitorId") is not None}
    if not stations or not numbers:
        return {}
    rows = VariableMonitor.objects.order_by().filter(charge_point__in=stations, monitor_id__in=numbers)
    return {
        (pk, number): level
        for pk, number, level in rows.values_list("charge_point", "monitor_id", "severity")
    }
