"""Fills the port `Sessions`: sessions and tokens for apps that may not import this one."""

from __future__ import annotations

from typing import Any

from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import status_16
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import decide_now
from transactions.services.transactions.lookups import to_stop


def station_id(charge_point: Any, reference: int | str) -> str:
    """See `Sessions`."""
    return to_stop(reference, charge_point).ocpp_id


def why_refused(charge_point: Any, uid: str) -> Conflict | None:
    """See `Sessions`."""
    decision = decide_now(uid=uid, charge_point=charge_point, purpose=Purpose.IDENTIFY)
    if decision.is_accepted:
        return None
    return Conflict(
        f"The token is not authorized here: {decision.reason}",
        data={"status": status_16(decision.verdict), "reason": decision.reason},
        code=Code.TOKEN_REFUSED,
    )
