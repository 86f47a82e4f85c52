"""Stations in memory in place of the stored ones, for every handshake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute
from tests.unit.transport.admission.handshakes import Journal, Stations


@pytest.fixture(autouse=True)
def stations(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Stations]:
    settings.OCPP_UNKNOWN_STATIONS = "refuse"
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 100
    settings.OCPP_NO_COMMON_SUBPROTOCOL = "close"
    settings.OCPP_ASSUME_SUBPROTOCOL = ""
    settings.OCPP_ALLOWED_ORIGINS = []
    settings.ALLOWED_HOSTS = ["csms.example.com"]
    settings.PUBLIC_URL = ""
    settings.FORWARDED_ALLOW_IPS = ""
    stored = Stations()
    monkeypatch.setattr(admission.port, "app", stored)
    monkeypatch.setattr(admission, "journal", Journal())
    monkeypatch.setattr(admission, "_unknown", DistinctPerMinute())
    live.reset()
    yield stored
    live.reset()
