"""Old rows are deleted, recent rows stay: row by row on SQLite, by months on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Message
from ocpp_server.process import scheduler
from ocpp_server.storage.journal import journal
from tests.direct.readings import stored
from tests.direct.samples import decoded
from transactions.models import Reading

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
DAY = 86_400


@pytest.fixture(autouse=True)
async def _writing() -> AsyncIterator[None]:
    journal.start()
    yield
    await journal.stop()


def make_rows() -> None:
    """Store a message and a reading of today, of last month, and of a hundred days ago."""
    charge_point = ChargePoint.objects.create(identity="kept")
    for days in (0, 40, 100):
        at = NOW - timedelta(days=days)
        Message.objects.create(
            charge_point=charge_point,
            direction="in",
            message_id=str(days),
            action="A",
            request="{}",
            size=2,
            at=at,
        )
        stored(
            charge_point=charge_point,
            measurand="Voltage",
            raw=str(days),
            measured_at=at,
            received_at=at,
        )


def kept() -> tuple[list[str], list[str]]:
    messages = Message.objects.order_by("-at").values_list("message_id", flat=True)
    readings = Reading.objects.order_by("-measured_at")
    return list(messages), [decoded(reading.samples)[0]["raw"] for reading in readings]


@pytest.mark.parametrize(
    ("messages", "readings", "left"),
    [
        (0, 0, (["0", "40", "100"], ["0", "40", "100"])),
        (90 * DAY, 0, (["0", "40"], ["0", "40", "100"])),
        (0, 90 * DAY, (["0", "40", "100"], ["0", "40"])),
        (20 * DAY, 90 * DAY, (["0"], ["0", "40"])),
    ],
    ids=["for ever", "messages", "readings", "both"],
)
async def test_each_log_has_a_retention_of_its_own(
    settings: Any, messages: int, readings: int, left: tuple[list[str], list[str]]
) -> None:
    settings.OCPP_MESSAGE_RETENTION, settings.OCPP_METER_VALUE_RETENTION = messages, readings
    await journal.run(make_rows)

    await scheduler.SWEEP.run()

    assert await journal.run(kept) == left
