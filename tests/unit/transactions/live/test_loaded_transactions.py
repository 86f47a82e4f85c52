"""The live form of stored transactions, and the numbers that are issued next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint
from ocpp_server.live.extensions import load_station, load_stations
from ocpp_server.live.records import Announced, TransactionState
from ocpp_server.live.registers import Registers
from ocpp_server.protocol.versions import V16, V201
from transactions.live import stations
from transactions.models import Counter, Transaction, TransactionEvent
from transactions.services.metering import counting

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def a_row(garage: ChargePoint, number: int = 1000, **more: Any) -> Transaction:
    values = {"started_at": NOON, "start_received_at": NOON, "last_message_at": NOON}
    return Transaction.objects.create(id=number, ocpp_id=str(number), charge_point=garage, **(values | more))


def an_event(row: Transaction, seq_no: int, kind: str = "Updated", fingerprint: int = 0) -> None:
    TransactionEvent.objects.create(
        transaction=row,
        seq_no=seq_no,
        type=kind,
        fingerprint=fingerprint,
        payload="{}",
        at=NOON,
        received_at=NOON,
    )


# -- a transaction -------------------------------------------------------------------------------------------


def test_every_stored_value_of_a_transaction_is_loaded(garage: ChargePoint) -> None:
    row = Transaction(
        id=1234,
        ocpp_id="T-1",
        generation=2,
        charge_point=garage,
        evse_number=3,
        connector_number=4,
        id_token=" Card ",
        id_token_type="ISO14443",
        token_id=5,
        group_id="FAMILY",
        authorization_status="Accepted",
        authorization_reason="A reason.",
        stop_authorization_status="Blocked",
        start_fingerprint="start",
        stop_fingerprint="stop",
        status="ended",
        ended_by="station",
        charging_state="EVConnected",
        meter_start_wh=100,
        meter_last_wh=700.25,
        meter_stop_wh=800,
        energy_wh=600.25,
        energy_by_hour={"1": 600.25},
        suspect_reasons=["superseded", "meter-reset: 1 to 0 Wh"],
        last_seq_no=9,
        remote_start_id=77,
        is_interrupted=False,
        started_at=NOON,
        stopped_at=NOON + timedelta(minutes=5),
        last_message_at=NOON + timedelta(minutes=6),
    )

    assert stations.transaction_state(row, "CP-1") == TransactionState(
        id=1234,
        ocpp_id="T-1",
        generation=2,
        station="CP-1",
        evse=3,
        connector=4,
        id_token=" Card ",
        id_token_type="ISO14443",
        token_key="card",
        token_pk=5,
        group_id="FAMILY",
        authorization_status="Accepted",
        authorization_reason="A reason.",
        stop_authorization_status="Blocked",
        start_fingerprint="start",
        stop_fingerprint="stop",
        is_active=False,
        ended_by="station",
        charging_state="EVConnected",
        meter_start_mwh=100_000,
        meter_last_mwh=700_250,
        energy_mwh=600_250,
        mwh_by_hour={"1": 600_250},
        registers=Registers(
            start=counting.given(NOON, 100),
            stop=counting.given(NOON + timedelta(minutes=5), 800),
            is_known=False,
        ),
        suspect_reasons=["superseded", "meter-reset: 1 to 0 Wh"],
        last_seq_no=9,
        remote_start_id=77,
        announced=Announced(
            at=NOON + timedelta(minutes=6),
            energy_mwh=600_250,
            charging_state="EVConnected",
            id_token=" Card ",
            suspicions=2,
        ),
        started_at=NOON,
        stopped_at=NOON + timedelta(minutes=5),
        last_message_at=NOON + timedelta(minutes=6),
    )


def test_an_interrupted_transaction_is_interrupted_since_its_last_message(garage: ChargePoint) -> None:
    row = a_row(garage, is_interrupted=True, last_message_at=NOON + timedelta(minutes=6))

    state = stations.transaction_state(row, "CP-1")

    assert (state.is_active, state.interrupted_at) == (True, NOON + timedelta(minutes=6))


# -- the transactions of a station ---------------------------------------------------------------------------


def test_a_station_has_its_running_and_its_eight_newest_transactions_the_newest_first(
    garage: ChargePoint,
) -> None:
    for number in range(12):
        a_row(garage, 1000 + number, status="active" if number in (1, 11) else "ended")
    other = ChargePoint.objects.create(identity="CP-2")
    a_row(other, 2000, status="ended")

    loaded = load_station(garage.pk, V16)

    assert list(loaded.transactions) == [*range(1011, 1003, -1), 1001]
    assert list(load_station(other.pk, V16).transactions) == [2000]


def test_a_hundred_stations_with_many_transactions_are_loaded_with_their_own(db: None) -> None:
    rows = []
    pks = [ChargePoint.objects.create(identity=f"CP-{place}").pk for place in range(101)]
    for place, pk in enumerate(pks):
        for number in range(1000 + 9 * place, 1009 + 9 * place):
            values = {"started_at": NOON, "start_received_at": NOON, "last_message_at": NOON}
            rows.append(
                Transaction(id=number, ocpp_id=str(number), charge_point_id=pk, status="ended", **values)
            )
    Transaction.objects.bulk_create(rows)

    loaded = load_stations([(pk, V16) for pk in pks])

    for place, station in enumerate(loaded):
        assert list(station.transactions) == [*range(1008 + 9 * place, 1000 + 9 * place, -1)]


def test_a_station_without_transactions_asks_for_no_events(garage: ChargePoint) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            load_station(garage.pk, V16)
        return len(asked)

    without = queries()
    a_row(garage)

    assert queries() > without


# -- the events of a transaction -----------------------------------------------------------------------------


def test_the_events_of_a_transaction_are_known_by_their_numbers(garage: ChargePoint) -> None:
    row = a_row(garage)
    an_event(row, 0, "Started", 11)
    an_event(row, 2, "Updated", 22)

    state = load_station(garage.pk, V201).transactions[1000]

    assert state.seq_types == {0: "Started", 2: "Updated"}
    assert state.seq_fingerprints == {0: 11, 2: 22}
    assert (state.has_started, state.has_seq_order) == (True, True)


def test_the_first_event_with_a_number_counts_and_a_second_one_has_no_order(garage: ChargePoint) -> None:
    row = a_row(garage)
    an_event(row, 1, "Started", 11)
    an_event(row, 0, "Updated", 22)
    an_event(row, 0, "Ended", 33)

    state = load_station(garage.pk, V201).transactions[1000]

    assert (state.seq_types[0], state.seq_fingerprints[0], state.has_seq_order) == ("Updated", 22, False)


def test_a_transaction_has_started_unless_it_has_events_and_no_start(garage: ChargePoint) -> None:
    a_row(garage, 1000)
    an_event(a_row(garage, 1001), 1)
    an_event(a_row(garage, 1002), 0, "Started")

    loaded = load_station(garage.pk, V201).transactions

    assert {number: state.has_started for number, state in loaded.items()} == {
        1000: True,
        1001: False,
        1002: True,
    }


# -- all running transactions --------------------------------------------------------------------------------


def test_a_transaction_runs_while_its_last_message_is_not_older_than_a_day(garage: ChargePoint) -> None:
    now = datetime.now(UTC)
    a_row(garage, 1000, last_message_at=now - timedelta(hours=23, minutes=55))
    a_row(garage, 1001, last_message_at=now - timedelta(hours=24, minutes=5))
    a_row(garage, 1002, last_message_at=now, status="ended")

    number, running = stations.load_running()

    assert (number, [(state.id, state.station) for state in running]) == (1002, [(1000, "CP-1")])
    assert stations.active_numbers() == [1000]


def test_the_running_transactions_are_loaded_without_a_query_for_each_station(garage: ChargePoint) -> None:
    now = datetime.now(UTC)
    stations.highest_number()
    a_row(garage, 1000, last_message_at=now)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            stations.load_running()
        return len(asked)

    one = queries()
    a_row(ChargePoint.objects.create(identity="CP-2"), 1001, last_message_at=now)

    assert queries() == one


# -- numbers -------------------------------------------------------------------------------------------------


def test_the_first_transaction_gets_the_number_1000(garage: ChargePoint) -> None:
    Counter.objects.all().delete()

    assert stations.highest_number() == 999
    assert Counter.objects.get().value == 999


def test_the_highest_number_is_that_of_a_row_or_of_one_that_was_deleted(garage: ChargePoint) -> None:
    Counter.objects.all().delete()
    Counter.objects.create(name="another", value=9000)
    a_row(garage, 1500)

    assert stations.highest_number() == 1500
    stations.keep_number(2000)
    assert stations.highest_number() == 2000
    assert Counter.objects.get(name="another").value == 9000


def test_a_kept_number_never_decreases(garage: ChargePoint) -> None:
    Counter.objects.all().delete()
    Counter.objects.create(name="another", value=1)
    stations.highest_number()

    for number in (1500, 1400):
        stations.keep_number(number)

    assert stations.highest_number() == 1500
    assert Counter.objects.get(name="another").value == 1
