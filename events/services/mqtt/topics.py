"""The topics of stations: one value each, retained. Pure functions of what `state` has read.

The layout follows what evcc and Home Assistant read: scalars without units, numbers with a full stop.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from ocpp_server.events.outbox import number

ONLINE, OFFLINE = "online", "offline"
# Text topics of an EVSE without a session. An empty payload would delete the topic.
NONE: Final = "none"
# The meter of an EVSE stays known between two sessions.
STICKY: Final = ("/meter_wh", "/meter_kwh")
# The topics of each phase, where a station measures phases. After a session the currents are 0.
CURRENTS: Final = {phase: f"current_{phase.lower()}_a" for phase in ("L1", "L2", "L3")}
VOLTAGES: Final = {phase: f"voltage_{phase.lower()}_v" for phase in ("L1", "L2", "L3")}
# A, B, C and F of IEC 61851-1, as evcc reads them.
_IEC: Final = {
    "Available": "A",
    "Reserved": "A",
    "Charging": "C",
    "Faulted": "F",
    "Unavailable": "F",
}
_CONNECTED: Final = "B"
# Of the connectors of one EVSE, the first of these counts for the EVSE.
_ORDER: Final = ("Charging", "SuspendedEV", "SuspendedEVSE", "Occupied", "Finishing", "Preparing")

_OF_PHASES: Final = frozenset({*CURRENTS.values(), *VOLTAGES.values()})

# The names of topics below a station and below an EVSE. Others below the root are of other programs.
_OF_STATION: Final = frozenset(
    {"available", "vendor", "model", "firmware", "ocpp_version", "error_code", "last_seen"}
)
_OF_OUTLET: Final = frozenset(
    {"status", "iec_status", "connected", "charging", "enabled", "power_w", "energy_wh", "duration_s"}
    | {"transaction_id", "session_start", "id_tag", "meter_wh", "meter_kwh", "soc_percent", "limit_a"}
    | _OF_PHASES
)


@dataclass(frozen=True, slots=True)
class Session:
    """A running session. Energies in Wh. `phases`: topics of phases with the last values."""

    number: int
    started_at: datetime
    id_tag: str
    is_charging: bool
    energy: float
    meter: float | None
    power: float | None
    soc: float | None
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outlet:
    """An EVSE: the words of its connectors, whether an operator wants it in use, its session, and the limit
    in A that a message has set.
    """

    number: int
    statuses: tuple[str, ...]
    is_enabled: bool
    session: Session | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class StationState:
    """A station. `last_seen` is to the minute."""

    identity: str
    name: str
    is_online: bool
    vendor: str
    model: str
    firmware: str
    ocpp_version: str
    error_code: str
    last_seen: datetime | None
    outlets: tuple[Outlet, ...] = field(default=())


def of_identity(identity: str) -> str:
    """The identity as a level of a topic: `/`, `+`, `#` and `%` are percent-encoded."""
    return quote(identity, safe=" !$&'()*,:;=@[]~").replace("+", "%2B")


def of_stations(root: str, stations: Iterable[StationState], now: datetime) -> dict[str, str]:
    """Every topic of these stations with its payload."""
    found: dict[str, str] = {}
    for station in stations:
        base = f"{root}/{of_identity(station.identity)}"
        for name, value in _of_station(station).items():
            found[f"{base}/{name}"] = value
        for outlet in station.outlets:
            for name, value in of_outlet(outlet, now).items():
                found[f"{base}/{outlet.number}/{name}"] = value
    return found


def _of_station(station: StationState) -> dict[str, str]:
    values = {
        "available": ONLINE if station.is_online else OFFLINE,
        "vendor": station.vendor,
        "model": station.model,
        "firmware": station.firmware,
        "ocpp_version": station.ocpp_version,
        "error_code": station.error_code or "NoError",
        "last_seen": "" if station.last_seen is None else _time(station.last_seen),
    }
    return {name: value for name, value in values.items() if value}


def of_outlet(outlet: Outlet, now: datetime) -> dict[str, str]:
    """The topics of an EVSE below its own."""
    session, status = outlet.session, status_of(outlet.statuses)
    is_charging = session is not None and (session.is_charging or status == "Charging")
    iec = "C" if is_charging and status != "Faulted" else _IEC.get(status, _CONNECTED if status else "")
    found = {
        "status": status,
        "iec_status": iec,
        "connected": _flag(iec in ("B", "C")),
        "charging": _flag(is_charging),
        "enabled": _flag(outlet.is_enabled),
        "power_w": "0",
        "energy_wh": "0",
        "duration_s": "0",
        "transaction_id": NONE,
        "session_start": NONE,
        "id_tag": NONE,
    }
    if session is not None:
        found |= {
            "power_w": _number(session.power or 0),
            "energy_wh": _number(session.energy),
            "duration_s": _number(max(0, int((now - session.started_at).total_seconds()) // 10 * 10)),
            "transaction_id": str(session.number),
            "session_start": _time(session.started_at),
            "id_tag": session.id_tag or NONE,
        }
        if session.meter is not None:
            found |= {
                "meter_wh": _number(session.meter),
                "meter_kwh": _number(round(session.meter / 1000, 3)),
            }
        if session.soc is not None:
            found["soc_percent"] = _number(session.soc)
        found |= {name: _number(value) for name, value in session.phases.items()}
    if outlet.limit is not None:
        found["limit_a"] = _number(outlet.limit)
    return {name: value for name, value in found.items() if value}


def status_of(statuses: tuple[str, ...]) -> str:
    """The word of an EVSE with several connectors: that of the connector in use."""
    for word in _ORDER:
        if word in statuses:
            return word
    return next((word for word in statuses if word), "")


def stale(root: str, retained: Iterable[str], wanted: Mapping[str, str]) -> set[str]:
    """The topics at the broker that must be deleted: of stations that were deleted, or without a value."""
    known = {topic.removeprefix(f"{root}/").split("/")[0] for topic in wanted}
    return {
        topic
        for topic in retained
        if topic not in wanted
        and not (topic.endswith(STICKY) and topic.removeprefix(f"{root}/").split("/")[0] in known)
    }


def of_phases(root: str, retained: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The topics of phases at the broker that no reading has now: unchanged while the session runs, and then
    a current of 0. A voltage without a session is not known.
    """
    found = {}
    for topic, text in retained.items():
        outlet, _, name = topic.rpartition("/")
        session = wanted.get(f"{outlet}/transaction_id")
        if session is None or topic in wanted or not topic.startswith(f"{root}/"):
            continue
        if session != NONE and name in _OF_PHASES:
            found[topic] = text
        elif name in CURRENTS.values():
            found[topic] = "0"
    return found


def is_own(root: str, topic: str) -> bool:
    """Whether a topic has the form of those that this module makes."""
    if not topic.startswith(f"{root}/"):
        return False
    match topic.removeprefix(f"{root}/").split("/"):
        case [_, name]:
            return name in _OF_STATION
        case [_, number, name]:
            return number.isdigit() and name in _OF_OUTLET
        case _:
            return False


def node(identity: str) -> str:
    """An id for Home Assistant, which allows letters, digits, - and _ only."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", identity)
    if plain == identity:
        return plain
    return f"{plain}_{hashlib.sha256(identity.encode()).hexdigest()[:6]}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _number(value: float) -> str:
    return str(number(value))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
