"""Stations of every version without sockets."""

from __future__ import annotations

from tests.direct.fixtures import engine, run_orm, station, units_at_once

__all__ = ["engine", "run_orm", "station", "units_at_once"]
