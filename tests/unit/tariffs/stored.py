"""Stored sessions and events for tests of tariffs and payments."""

from __future__ import annotations

from typing import Any

import orjson

from chargepoints.models import ChargePoint, Command
from events.models import Event
from tests.unit.chargepoints.in_memory import NOON
from tests.unit.transactions.transactions.stored_sessions import a_row
from transactions.models import Transaction


def a_session(station: int, number: int = 1000, **more: Any) -> Transaction:
    """A running session that the station names T-1."""
    usual: dict[str, Any] = {"ocpp_id": "T-1", "status": "active", "ended_by": "", "stopped_at": None}
    return a_row(number, charge_point_id=station, **(usual | more))


def a_command(station: int, name: str = "c-1", action: str = "SetDefaultTariff") -> Command:
    return Command.objects.create(
        id=name,
        charge_point=ChargePoint.objects.get(pk=station),
        action=action,
        payload={},
        created_at=NOON,
        deadline_at=NOON,
    )


def announced(station: str = "CP-1", site: int | None = 7) -> list[tuple[str, dict[str, Any]]]:
    """The type and the data of each stored event, which all name this station and its site."""
    found = list(Event.objects.order_by("pk"))
    assert {(row.station, row.site_id) for row in found} <= {(station, site)}
    return [(row.type, orjson.loads(row.data)) for row in found]
