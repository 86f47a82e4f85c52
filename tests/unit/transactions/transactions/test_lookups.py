"""The transaction that a number or an id of a station means, when only the database has it."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.live.station import Station
from tests.unit.transactions.transactions.live_station import NOON, a_station
from tests.unit.transactions.transactions.same_thread import result_of, same_thread
from transactions.live.unmatched import UNKNOWN_NUMBERS
from transactions.models import Transaction
from transactions.services.transactions import sessions

__all__ = ["same_thread"]


def a_row(number: int, ocpp_id: str, identity: str = "CP-1", **more: Any) -> None:
    Transaction.objects.create(
        id=number,
        ocpp_id=ocpp_id,
        charge_point=ChargePoint.objects.get(identity=identity),
        status="ended",
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON,
        **more,
    )


@pytest.fixture
def garage(same_thread: None) -> Station:
    for pk in (1, 2):
        ChargePoint.objects.create(pk=pk, identity=f"CP-{pk}")
    a_row(1000, "T1000")
    a_row(1001, "1")
    a_row(2000, "2000")
    a_row(2001, "77", generation=1)
    a_row(2002, "77", generation=0)
    a_row(2003, "3000")
    a_row(3000, "T3000", start_fingerprint="s" * 32, stop_fingerprint="e" * 32)
    a_row(4000, "4000", "CP-2", start_fingerprint="o" * 32, stop_fingerprint="o" * 32)
    return a_station()


def found(station: Station, number: int) -> int | None:
    station.transactions.clear()
    transaction = result_of(sessions.find_number(station, number))
    return transaction.id if transaction else None


def test_a_number_is_the_station_s_id_and_then_the_number_of_the_server(garage: Station) -> None:
    assert {number: found(garage, number) for number in (1, 2000, 77, 1000, 3000)} == {
        1: 1001,
        2000: 2000,
        77: 2001,
        1000: 1000,
        3000: 2003,  # moved here: another system's number comes first
    }
    assert not UNKNOWN_NUMBERS.of(garage)


@pytest.mark.parametrize("number", [4000, 5000, 999, 2**31, 2**40])
def test_a_number_of_another_station_or_of_none_is_looked_up_once(garage: Station, number: int) -> None:
    assert found(garage, number) is None
    assert UNKNOWN_NUMBERS.of(garage) == {number}


def test_a_number_in_memory_gives_way_to_a_transaction_that_was_moved_here(garage: Station) -> None:
    found(garage, 1000)
    result_of(sessions.find_ocpp_id(garage, "T3000", in_database=True))

    transaction = result_of(sessions.find_number(garage, 3000))

    assert transaction is not None and transaction.id == 2003
    garage.transactions.pop(2003)
    UNKNOWN_NUMBERS.of(garage).add(3000)
    kept = result_of(sessions.find_number(garage, 3000))
    assert kept is garage.transactions[3000]


def test_invented_numbers_do_not_fill_the_memory(garage: Station) -> None:
    UNKNOWN_NUMBERS.of(garage).update(range(5000, 5063))
    found(garage, 5063)
    assert len(UNKNOWN_NUMBERS.of(garage)) == 64

    found(garage, 5064)

    assert not UNKNOWN_NUMBERS.of(garage)


def test_a_fingerprint_is_that_of_the_same_station(garage: Station) -> None:
    def by_start(key: str, in_database: bool = True) -> int | None:
        garage.transactions.clear()
        one = result_of(sessions.find_fingerprint(garage, key * 32, in_database=in_database))
        return one.id if one else None

    def by_stop(key: str) -> int | None:
        garage.transactions.clear()
        one = result_of(sessions.find_stop(garage, key * 32))
        return one.id if one else None

    assert [by_start(key) for key in "seo"] == [3000, None, None]
    assert by_start("s", in_database=False) is None
    assert [by_stop(key) for key in "seo"] == [None, 3000, None]


def test_an_id_is_looked_up_where_the_message_may_be_old(garage: Station) -> None:
    def by_id(name: str, in_database: bool) -> int | None:
        garage.transactions.clear()
        one = result_of(sessions.find_ocpp_id(garage, name, in_database=in_database))
        return one.id if one else None

    assert [by_id("77", is_asked) for is_asked in (True, False)] == [2001, None]
    assert by_id("4000", True) is None
