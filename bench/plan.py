"""Durations and amounts of all parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Log = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Durations in seconds and amounts of a measurement; rates are in messages a second."""

    folder: Path
    first_port: int
    stations: int = 100
    seconds: float = 4.0
    warm: float = 1.0
    rounds: int = 3
    idle: int = 5000
    # Silent stations at two processes, with a restart; 0 leaves this out.
    silent: int = 5000
    boots: int = 1000
    # Stations that report their device models at once.
    reporting: int = 20
    # The paced load of `speed`, and the one of `paced`.
    rate: int = 5000
    latency_rate: int = 1000
    usual_rates: tuple[int, ...] = (10, 100, 400, 1000)
    # A slow rate is measured until this many messages were sent.
    usual_messages: int = 200
    sizes: tuple[int, ...] = (100, 1000, 5000)
    rest_stations: int = 10_000
    rest_transactions: int = 1_000_000
    # `alerts`: stations.
    watched: int = 50_000
    # `history`: sessions, each with six readings, and one with so many.
    history_sessions: int = 1_000_000
    chart_readings: int = 3000
    versions: tuple[str, ...] = ("1.6", "2.0.1")
    samples: tuple[int, ...] = (3, 14)
    loads: tuple[str, ...] = ("closed", "paced")
    # Whether the closed loop is measured with pinned processes, and whether without.
    pinning: tuple[bool, ...] = (True, False)
    database: str = "sqlite"
    postgresql: dict[str, str] = field(default_factory=dict)
    daphne: bool = True
    against: Path | None = None


QUICK: dict[str, Any] = {
    "stations": 20,
    "pinning": (True,),
    "seconds": 0.5,
    "warm": 0.2,
    "rounds": 1,
    "idle": 200,
    "silent": 200,
    "boots": 100,
    "reporting": 2,
    "rate": 500,
    "latency_rate": 200,
    "usual_rates": (100, 400),
    "usual_messages": 50,
    "sizes": (20, 60),
    "rest_stations": 200,
    "rest_transactions": 20_000,
    "watched": 1000,
    "history_sessions": 5000,
    "chart_readings": 100,
}
