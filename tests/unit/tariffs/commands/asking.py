"""The step of a command before its call, and tariffs to send."""

from __future__ import annotations

from typing import Any

from chargepoints.models import ChargePoint
from ocpp_server.commanding import OperatorCommand


async def prepared(command: OperatorCommand, row: ChargePoint, **arguments: Any) -> dict[str, Any]:
    assert command.prepare is not None
    return await command.prepare(row, **arguments)


def a_tariff(**more: Any) -> dict[str, Any]:
    return {"tariffId": "DAY", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.4}]}, **more}


# A price with a condition, and two prices of a kind.
TWO_PRICES = a_tariff(
    energy={
        "prices": [{"priceKwh": 0.4}, {"priceKwh": 0.2, "conditions": {"startTimeOfDay": "22:00"}}],
    }
)
