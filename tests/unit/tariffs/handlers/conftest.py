"""A station whose messages arrive at noon; the journal runs at once."""

from __future__ import annotations

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V21
from tests.unit.chargepoints.in_memory import a_station
from tests.unit.transactions.at_once import run_at_once


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch, db: None) -> Station:
    run_at_once(monkeypatch)
    row = ChargePoint.objects.create(identity="CP-1", ocpp_version=V21)
    return a_station(version=V21, pk=row.pk)
