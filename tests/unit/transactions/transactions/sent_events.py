"""TransactionEvents, and transactions with the numbers of their events."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate import Place
from tests.unit.transactions.transactions.live_station import minutes, running
from transactions.services.transactions.events import STARTED, UPDATED, Event

CHECK = 17


def an_event(type: str = UPDATED, seq_no: int = 1, at: float = 30, **more: Any) -> Event:
    values: dict[str, Any] = {
        "type": type,
        "transaction_id": "T1",
        "seq_no": seq_no,
        "trigger": "MeterValuePeriodic",
        "at": minutes(at),
        "time_problem": "",
        "time_text": "T",
        "offline": False,
        "place": Place(1, 1),
        "token": None,
        "charging_state": "Charging",
        "stopped_reason": "",
        "remote_start_id": None,
        "reservation_id": None,
        "samples": [],
        "payload": "{}",
    }
    return Event(**(values | more))


def with_events(*numbers: int, **more: Any) -> TransactionState:
    """A transaction with these events; the first one is its start."""
    transaction = running(ocpp_id="T1", **more)
    for place, number in enumerate(numbers):
        transaction.seq_fingerprints[number] = number + 100
        transaction.seq_types[number] = STARTED if place == 0 else UPDATED
    transaction.last_seq_no = max(numbers, default=None)
    return transaction
