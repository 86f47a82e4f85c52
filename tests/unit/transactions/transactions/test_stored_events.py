"""The rows of a TransactionEvent, and when its transaction is looked up in the database."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.protocol.tolerance import EXTRA_PROPERTY
from tests.unit.transactions.transactions.live_station import a_station, minutes, running
from tests.unit.transactions.transactions.sent_events import CHECK, an_event, with_events
from tests.unit.transactions.transactions.stored_sessions import a_row
from transactions.services.transactions import events
from transactions.services.transactions.events import ENDED, STARTED, UPDATED, Event


@pytest.mark.parametrize(("has_only_known_fields", "is_masked"), [(True, False), (False, True)])
def test_a_stored_event_is_cut_to_its_columns_and_masked(
    has_only_known_fields: bool, is_masked: bool
) -> None:
    station, transaction = a_station(), with_events(0)
    if not has_only_known_fields:
        station.deviation(EXTRA_PROPERTY)
    payload = '{"password":"geheim"}'
    event = an_event("E" * 20, 7, trigger="T" * 70, charging_state="S" * 70, payload=payload, offline=True)

    events._store(station, transaction, event, CHECK)

    ((table, row),) = station.unit.inserts
    stored = dict(zip(table.names, row, strict=True))
    assert ("geheim" not in stored.pop("payload")) is is_masked
    assert stored == {
        "transaction_id": 1000,
        "seq_no": 7,
        "type": "E" * 16,
        "trigger_reason": "T" * 64,
        "charging_state": "S" * 64,
        "fingerprint": CHECK,
        "offline": True,
        "at": minutes(30),
        "received_at": minutes(60),
    }


async def test_an_event_that_changes_neither_place_nor_token_leaves_their_columns_out() -> None:
    station, transaction = a_station(), with_events(0)
    station.transactions[1000] = transaction

    assert await events._apply(station, transaction, an_event(), CHECK) is None

    ((_, _, row),) = station.unit.updates
    assert row["charging_state"] == "Charging"
    assert {"id_token", "evse_number", "was_offline", "started_at"}.isdisjoint(row)


def test_an_end_keeps_the_reason_and_the_state_of_its_event() -> None:
    station, transaction = a_station(), running()

    events._end(station, transaction, an_event(ENDED, stopped_reason="Remote", charging_state="S" * 40), None)

    ((_, _, row),) = station.unit.updates
    assert (row["stop_reason"], row["charging_state"], row["stopped_at"]) == ("Remote", "S" * 32, minutes(30))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("event", "in_doubt", "is_found"),
    [
        (an_event(STARTED), False, False),  # surely new: a look-up would cost time
        (an_event(STARTED, offline=True), False, True),
        (an_event(STARTED), True, True),
        (an_event(UPDATED), False, True),
        (an_event(UPDATED, offline=True), True, True),
    ],
)
async def test_a_session_is_looked_up_unless_its_event_must_be_the_first(
    engine: None, run_orm: Any, event: Event, in_doubt: bool, is_found: bool
) -> None:
    await run_orm(ChargePoint.objects.create, pk=1, identity="CP-1")
    await run_orm(lambda: a_row(ocpp_id="T1"))
    station = a_station()
    station.in_doubt = in_doubt

    assert (await events._find(station, event) is not None) is is_found
