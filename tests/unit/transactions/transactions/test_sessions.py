"""The rules of transactions on the live state: which one a message means, and what a newer start ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from ocpp_server.protocol.translate.energy import WHOLE_WH, mwh_of
from tests.unit.transactions.transactions.live_station import (
    NOON,
    a_station,
    minutes,
    running,
    with_transactions,
)
from transactions.live.unmatched import UNKNOWN_NUMBERS
from transactions.services.metering import energy
from transactions.services.metering.counting import Rank, Register
from transactions.services.transactions import ending, sessions, starting
from transactions.services.transactions.ending import Stop
from transactions.tables import TRANSACTIONS

HERE = Place(1, 1)
SECOND = 1 / 60


def codes(transaction: TransactionState) -> list[str]:
    return [reason.partition(":")[0] for reason in transaction.suspect_reasons]


def stored(station: Station, number: int = 1000) -> dict[str, Any]:
    """The columns of a transaction that the current message writes."""
    (values,) = [one for table, key, one in station.unit.updates if (table, key) == (TRANSACTIONS, number)]
    return values


def read(transaction: TransactionState, wh: float, at: datetime) -> None:
    assert energy.take(transaction, [Register(at, Rank.ORDINARY, "", mwh_of(wh), WHOLE_WH)], received_at=at)


# -- a newer start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "started", "at", "is_ended"),
    [
        (HERE, 0, 30, True),
        (HERE, 0, 0, True),  # two starts at the same time: the one that arrives later is the newer
        (HERE, 0, -SECOND, False),  # an offline start that is replayed late is the older one
        (HERE, 0, -600, False),
        (Place(1, 2), 0, 30, True),  # an EVSE charges one vehicle, whatever the connector
        (Place(2, 1), 0, 30, False),
        (Place(0, 0), 0, 30, False),
        (Place(None, None), 0, 30, False),
    ],
)
def test_a_start_ends_what_began_before_it_on_its_evse(
    place: Place, started: float, at: float, is_ended: bool
) -> None:
    station = with_transactions(running(started_at=minutes(started)))

    sessions.supersede(station, place, minutes(at))

    transaction = station.transactions[1000]
    assert transaction.is_active is not is_ended
    assert codes(transaction) == (["superseded"] if is_ended else [])
    if is_ended:
        assert (transaction.ended_by, transaction.stopped_at) == ("superseded", minutes(at))


@pytest.mark.parametrize("evse", [None, 0])
def test_a_start_without_a_place_ends_nothing_that_has_none(evse: int | None) -> None:
    station = with_transactions(running(evse=evse, connector=evse))

    sessions.supersede(station, Place(evse, evse), minutes(30))

    assert station.transactions[1000].is_active


def test_a_superseded_transaction_keeps_its_energy_and_an_ended_one_its_end() -> None:
    ended = running(999, is_active=False, ended_by="station", stopped_at=minutes(-5))
    station = with_transactions(ended, running())
    read(station.transactions[1000], 1700, minutes(10))

    sessions.supersede(station, HERE, minutes(30))

    row = stored(station)
    assert (row["energy_wh"], row["meter_stop_wh"], row["status"]) == (700, 1700, "ended")
    assert (ended.ended_by, ended.suspect_reasons) == ("station", [])


# -- the transaction that a message means --------------------------------------------------------------------


def test_the_newest_running_transaction_of_an_evse_is_meant() -> None:
    station = with_transactions(
        running(1003, is_active=False), running(1001), running(1002), running(1004, evse=2)
    )

    assert [
        found.id if (found := sessions.running_at(station, place)) else None
        for place in (HERE, Place(1, 2), Place(2, 1), Place(3, 1), Place(None, None))
    ] == [1002, 1002, 1004, None, None]


async def test_a_number_means_the_transaction_of_that_number_or_one_that_was_moved_here() -> None:
    moved = running(2000, ocpp_id="77", generation=1)
    station = with_transactions(running(), moved, running(2001, ocpp_id="77"))
    UNKNOWN_NUMBERS.of(station).update({5, 2000})

    found = [await sessions.find_number(station, number) for number in (1000, 77, 5, 0, -1)]

    assert [one.id if one else None for one in found] == [1000, 2000, None, None, None]


async def test_a_number_of_the_server_means_a_2_x_transaction_too() -> None:
    station = with_transactions(running(2000, ocpp_id="T1"))
    UNKNOWN_NUMBERS.of(station).add(2000)

    found = await sessions.find_number(station, 2000)

    assert found is station.transactions[2000]


async def test_an_id_of_a_station_means_its_newest_generation() -> None:
    station = with_transactions(
        running(1002, ocpp_id="T1", generation=2, is_active=False),
        running(1001, ocpp_id="T1", generation=1),
        running(1003, ocpp_id="T3"),
    )

    found = [await sessions.find_ocpp_id(station, name, in_database=False) for name in ("T1", "T3", "T2")]

    assert [one.id if one else None for one in found] == [1002, 1003, None]


@pytest.mark.parametrize(
    ("transaction", "is_found"),
    [
        (running(start_fingerprint="key-17.000000"), True),
        (running(start_fingerprint="other-17.000000"), False),
        (running(start_fingerprint=None), False),
        (running(start_fingerprint="key-17.000000", is_active=False), False),
        (running(start_fingerprint="key-17.000000", evse=2), False),
    ],
)
def test_a_start_without_a_time_is_repeated_while_its_transaction_runs(
    transaction: TransactionState, is_found: bool
) -> None:
    found = starting._running_since(with_transactions(transaction), HERE, "key")

    assert (found is transaction) is is_found


# -- a stop and its start ------------------------------------------------------------------------------------


def a_stop(at: float = 30, meter_wh: float = 1500, uid: str | None = "CARD") -> Stop:
    token = None if uid is None else IdToken(uid)
    return Stop(-1, meter_wh, minutes(at), "", "Local", token, ())


@pytest.mark.parametrize(
    ("stop", "fits"),
    [
        (a_stop(), True),
        (a_stop(uid="card"), True),
        (a_stop(uid="OTHER"), False),
        (a_stop(uid=None), True),
        (a_stop(0), True),
        (a_stop(-SECOND), False),
        (a_stop(meter_wh=1000), True),
        (a_stop(meter_wh=999), False),
    ],
)
def test_a_stop_that_came_first_is_joined_to_the_start_of_its_token(stop: Stop, fits: bool) -> None:
    assert ending._fits(stop, running()) is fits
    assert ending._fits(stop._replace(meter_wh=-1), running(meter_wh=-1)) is (
        stop.at >= NOON and (stop.token is None or stop.token.value.casefold() == "card")
    )


@pytest.mark.parametrize(
    ("stop", "transaction", "matches"),
    [
        (a_stop(), running(), True),
        (a_stop(uid="card"), running(), True),
        (a_stop(uid="OTHER"), running(), False),
        (a_stop(uid=None), running(), True),
        (a_stop(-5), running(), True),  # the station's clock may have been set in between
        (a_stop(-5 - SECOND), running(), False),
        (a_stop(meter_wh=1000), running(), True),
        (a_stop(meter_wh=999), running(), False),
        (a_stop(meter_wh=0), running(meter_wh=None), True),
        (a_stop(), running(is_active=False, ended_by="superseded"), True),
        (a_stop(), running(is_active=False, ended_by="station"), False),
    ],
)
def test_a_stop_without_a_number_means_an_open_transaction_of_its_token(
    stop: Stop, transaction: TransactionState, matches: bool
) -> None:
    found = ending._matching(with_transactions(transaction), stop)

    assert (found is transaction) is matches


def test_of_several_transactions_a_stop_without_a_number_means_the_running_and_then_the_newest() -> None:
    old, new = running(1000), running(1001, started_at=minutes(10))
    assumed = running(1002, started_at=minutes(20), is_active=False, ended_by="superseded")

    assert ending._matching(with_transactions(old, new, assumed), a_stop()) is new
    assert ending._matching(with_transactions(old, new), a_stop(uid=None)) is None
    assert ending._matching(with_transactions(assumed), a_stop(uid=None)) is assumed
    assert ending._matching(a_station(), a_stop()) is None


def test_a_stop_is_repeated_when_time_meter_reason_and_token_are_the_same() -> None:
    stop = a_stop()._replace(time_text="T")

    others = [
        stop._replace(**{name: value}).fingerprint
        for name, value in (("time_text", "U"), ("meter_wh", 1501), ("reason", "Other"))
    ]

    assert stop.fingerprint == stop._replace(number=7).fingerprint
    tokens = [stop._replace(token=token).fingerprint for token in (None, IdToken("OTHER"))]
    assert len({stop.fingerprint, *others, *tokens}) == 6


async def test_a_stop_without_a_token_ends_its_transaction_without_a_decision() -> None:
    station = with_transactions(running())

    decision = await ending.stop(station=station, stop=a_stop(uid=None)._replace(number=1000))

    transaction = station.transactions[1000]
    assert decision is None
    assert (transaction.ended_by, transaction.stopped_at, transaction.energy_mwh) == (
        "station",
        minutes(30),
        500_000,
    )
