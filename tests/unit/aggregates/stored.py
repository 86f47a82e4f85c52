"""Rows for the tests of aggregates, and a complete count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from typing import Any

from aggregates.models import ConnectorHour, Recount
from aggregates.services import counting
from aggregates.services.marks import mark
from chargepoints.models import ChargePoint
from transactions.models import Transaction

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_numbers = numbers(1000)


def session(
    station: ChargePoint, begin: datetime, end: datetime | None, wh: float = 1000.0, **columns: Any
) -> Transaction:
    number = next(_numbers)
    return Transaction.objects.create(
        **{
            "id": number,
            "ocpp_id": str(number),
            "charge_point": station,
            "evse_number": 1,
            "connector_number": 1,
            "started_at": begin,
            "stopped_at": end,
            "start_received_at": begin,
            "last_message_at": end or begin,
            "status": "active" if end is None else "ended",
            "energy_wh": wh,
            **columns,
        }
    )


def by_hour(**hours: float) -> dict[str, float]:
    """The column `energy_by_hour`: h12=500 is 500 Wh in the hour of 12:00."""
    midnight = NOON - 12 * HOUR
    return {str(int((midnight + int(name[1:]) * HOUR).timestamp())): wh for name, wh in hours.items()}


def count_all(now: datetime) -> int:
    """Count all marked stations. Returns the number of steps."""
    steps = 0
    while marked := counting.marked(1000):
        for pk in marked:
            steps += 1
            while counting.count(pk, now):
                steps += 1
    return steps


def recount(station: ChargePoint, now: datetime = NOON + 10 * HOUR, since: datetime = EPOCH) -> int:
    mark({station.pk: since})
    steps = count_all(now)
    assert not Recount.objects.exists()
    return steps


def hours(*columns: str, **conditions: Any) -> list[tuple[Any, ...]]:
    """The rows in the order of time: the hour of the day, then these columns."""
    rows = ConnectorHour.objects.filter(**conditions).order_by("hour", "evse_number", "connector_number")
    return [(row.hour.hour, *(getattr(row, name) for name in columns)) for row in rows]
