"""Fixtures of the tests of this folder."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.observability import measures
from ocpp_server.observability.measures import Tally
from ocpp_server.storage.journal import journal
from ocpp_server.transport import presence, station_store, takeover
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.presence.world import World


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    made = Switchboard()
    made.channel = "process.here"
    monkeypatch.setattr(presence, "switchboard", made)
    return made


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, settings: Any, process: Switchboard) -> World:
    made = World()
    settings.EVENT_TYPES = ("station.connected", "station.disconnected")
    monkeypatch.setattr(live, "state", lambda: made)
    monkeypatch.setattr(station_store.port, "app", made)
    monkeypatch.setattr(takeover, "replace", made.replace)
    monkeypatch.setattr(presence, "_unrecorded", {})
    monkeypatch.setattr(measures, "replacements", Tally("kind"))
    for name in ("commit", "run", "run_batched"):
        monkeypatch.setattr(journal, name, getattr(made, name))
    return made
