"""Virtual stations, for the test of the pages of their list."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from chargepoints.models import ChargePoint
from sandbox.models import VirtualStation
from tests.api.conftest import NOON


def a_virtual_station(parents: Any, number: int) -> VirtualStation:
    # Its charge point stays when the row is deleted.
    station = ChargePoint.objects.create(identity=f"TEST-{number}-{uuid4().hex}")
    return VirtualStation.objects.create(
        charge_point=station, ocpp_version="1.6", connectors=1, problem=f"P{number % 2}", last_used_at=NOON
    )
