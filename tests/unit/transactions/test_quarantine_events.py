"""transaction.quarantined of a message that several attempts could not handle."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from chargepoints.models import ChargePoint
from events.models import Event
from ocpp_server.events.catalogue import charging
from transactions.services.transactions import quarantine


def test_a_message_that_is_given_up_makes_one_event(db: None) -> None:
    row = ChargePoint.objects.create(identity="CP-7")
    at = datetime(2026, 11, 28, 14, 5, 9, tzinfo=UTC)

    for _ in range(2):
        quarantine.keep_given_up(row.pk, "StopTransaction", "{}", "Given up.", at)

    event = Event.objects.get(type=charging.QUARANTINED.name)
    data = orjson.loads(event.data)
    assert charging.QUARANTINED.faults(data) == []
    assert (event.station, data["receivedAt"][:19]) == ("CP-7", "2026-11-28T14:05:09")
