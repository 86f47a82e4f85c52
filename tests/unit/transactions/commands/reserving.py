"""The first step of the command `reserve`: what it would send."""

from __future__ import annotations

from typing import Any, cast

from chargepoints.models import ChargePoint
from transactions.commands.reservation import RESERVE


async def prepared(row: ChargePoint, **arguments: Any) -> dict[str, Any]:
    assert RESERVE.prepare is not None
    usual = {"id_token": "CARD", "minutes": 30}
    return cast("dict[str, Any]", await RESERVE.prepare(row, **(usual | arguments)))
