"""Rows of refused connections, deviations, quarantined messages, unknown tokens and settlements, for the test
of pages.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.models import UnknownToken
from chargepoints.models import Deviation, RefusedConnection
from tests.api.conftest import NOON
from transactions.models import QuarantinedMessage, Settlement

_VALUES = {
    "status": "ended",
    "ended_by": "station",
    "stop_reason": "Local",
    "stopped_at": None,
    "meter_start_wh": None,
    "meter_stop_wh": None,
    "meter_last_wh": None,
    "energy_wh": 900.0,
    "merged_into_id": None,
    "suspect_reasons": [],
}


def a_refused_connection(parents: Any, number: int) -> RefusedConnection:
    at = NOON + timedelta(seconds=number // 3)
    identity = parents.station.identity
    return RefusedConnection.objects.create(
        identity=identity, path=f"/ocpp/{identity}", code=401, reason="Wrong password.", at=at
    )


def a_deviation(parents: Any, number: int) -> Deviation:
    at = NOON + timedelta(seconds=number // 3)
    return Deviation.objects.create(
        charge_point=parents.station, kind="unknown-action", action=f"A{number}", first_at=NOON, last_at=at
    )


def a_quarantined_message(parents: Any, number: int) -> QuarantinedMessage:
    return QuarantinedMessage.objects.create(
        charge_point=parents.station,
        action="StopTransaction",
        reason=QuarantinedMessage.Reason.UNKNOWN_TRANSACTION,
        payload="{}",
        received_at=NOON + timedelta(seconds=number // 3),
    )


def an_unknown_token(parents: Any, number: int) -> UnknownToken:
    at = NOON + timedelta(seconds=number // 3)
    return UnknownToken.objects.create(
        uid=f"X{number}", uid_key=f"x{number}", first_seen_at=NOON, last_seen_at=at
    )


def a_settlement(parents: Any, number: int) -> Settlement:
    return Settlement.objects.create(
        transaction=parents.session,
        fix=Settlement.Fix.IGNORE,
        actor="ann",
        reason="R",
        before=_VALUES,
        after=_VALUES,
        created_at=NOON + timedelta(seconds=number // 3),
    )
