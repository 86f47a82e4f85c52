"""A new session: its row, its live state and everything else that begins with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, Verdict
from tests.unit.transactions.transactions.live_station import (
    NOON,
    a_station,
    emitted,
    minutes,
    running,
    with_transactions,
)
from tests.unit.transactions.transactions.stored_sessions import a_row, garage
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.live.reservations import RESERVATIONS
from transactions.live.stations import RECENT_TRANSACTIONS
from transactions.live.unmatched import UNKNOWN_NUMBERS
from transactions.services.authorization.decision import Decision
from transactions.services.transactions import interruptions, sessions
from transactions.tables import COUNTERS, REMOTE_STARTS, TRANSACTIONS

__all__ = ["garage"]


@pytest.fixture(autouse=True)
def numbers() -> Iterator[None]:
    """The next session gets the number 1000."""
    live.reset()
    live.state().rebuild(last_number=999, active=[])
    yield
    live.reset()


async def opened(station: Station, **more: Any) -> TransactionState:
    values: dict[str, Any] = {
        "place": Place(1, 2),
        "at": NOON,
        "token": IdToken("CARD", "ISO14443"),
        "decision": Decision(Verdict.ACCEPTED, "FAMILY", token_pk=7, reason="R."),
        "meter_wh": 1000.0,
        "fingerprint": "f",
        "reservation_id": 7,
        "remote_start_id": 5,
        "charging_state": "Charging",
        "suspicions": (("superseded", ""), ("connector-unknown", "2")),
    }
    RESERVATIONS.of(station).remember(7)  # no reservation of the station: nothing to look up
    return await sessions.open_new(station=station, **(values | more))


def inserted(station: Station) -> dict[str, Any]:
    ((table, row),) = [each for each in station.unit.inserts if each[0] is TRANSACTIONS]
    return dict(zip(table.names, row, strict=True))


def updated(station: Station, table: Any) -> list[tuple[Any, dict[str, Any]]]:
    return [(key, values) for of, key, values in station.unit.updates if of is table]


async def test_a_new_session_is_stored_with_everything_that_its_start_says() -> None:
    station = a_station()

    await opened(station, ocpp_id="T1", generation=3)

    row = inserted(station)
    assert (
        row
        | {
            "id": 1000,
            "ocpp_id": "T1",
            "generation": 3,
            "charge_point_id": 1,
            "evse_number": 1,
            "connector_number": 2,
            "id_token": "CARD",
            "id_token_type": "ISO14443",
            "token_id": 7,
            "group_id": "FAMILY",
            "authorization_status": "Accepted",
            "authorization_reason": "R.",
            "start_fingerprint": "f",
            "remote_start_id": 5,
            "reservation_id": 7,
            "status": "active",
            "charging_state": "Charging",
            "meter_start_wh": 1000,
            "suspect": True,
            "suspect_reasons": ["superseded", "connector-unknown: 2"],
            "started_at": NOON,
            "start_received_at": minutes(60),
            "last_message_at": minutes(60),
            "updated_at": minutes(60),
        }
        == row
    )


async def test_the_live_session_is_the_stored_one() -> None:
    station = a_station()

    transaction = await opened(station, ocpp_id="T1", generation=3)

    assert station.transactions == {1000: transaction}
    assert (transaction.id, transaction.ocpp_id, transaction.generation) == (1000, "T1", 3)
    assert (transaction.station, transaction.evse, transaction.connector) == ("CP-1", 1, 2)
    assert (transaction.start_fingerprint, transaction.remote_start_id) == ("f", 5)
    assert (transaction.charging_state, transaction.meter_start_mwh) == ("Charging", 1_000_000)
    assert (transaction.started_at, transaction.last_message_at) == (NOON, minutes(60))


async def test_a_session_of_1_6_has_the_number_of_the_server_as_its_id() -> None:
    station = a_station()

    first, second = await opened(station), await opened(station)

    assert [(one.id, one.ocpp_id) for one in (first, second)] == [(1000, "1000"), (1001, "1001")]


@pytest.mark.parametrize("is_shared", [False, True])
async def test_the_last_number_is_stored_where_one_process_issues_them(
    monkeypatch: pytest.MonkeyPatch, is_shared: bool
) -> None:
    monkeypatch.setattr(type(live.state()), "is_shared", is_shared)
    station = a_station()

    await opened(station)

    assert updated(station, COUNTERS) == ([] if is_shared else [("transaction", {"value": 1000})])


@pytest.mark.parametrize("was_offline", [False, True])
async def test_a_new_session_is_announced_and_counts_for_its_token(was_offline: bool) -> None:
    station = a_station()

    transaction = await opened(station, was_offline=was_offline)

    assert [(kind, data["wasOffline"]) for kind, data in emitted(station)] == [
        ("transaction.started", was_offline)
    ]
    assert (station.opened, station.claimed) == ([transaction], [transaction])
    assert await live.state().running("card") == [transaction]


async def test_a_new_session_is_the_one_that_a_remote_start_waits_for() -> None:
    station = a_station()
    EXPECTED_STARTS.of(station).append(ExpectedStart(3, 1, "other", 5, minutes(90)))

    await opened(station)

    assert updated(station, REMOTE_STARTS) == [(3, {"outcome": "started", "transaction_id": 1000})]


async def test_a_number_that_was_unknown_is_known_once_a_session_has_it() -> None:
    station = a_station()
    UNKNOWN_NUMBERS.of(station).update({999, 1000})

    await opened(station)

    assert UNKNOWN_NUMBERS.of(station) == {999}


async def test_old_sessions_leave_the_memory_when_a_new_one_begins() -> None:
    ended = [running(number, is_active=False) for number in range(100, 101 + RECENT_TRANSACTIONS)]
    station = with_transactions(*ended)

    await opened(station)

    assert sorted(station.transactions) == [*range(101, 101 + RECENT_TRANSACTIONS), 1000]


# -- a session that was moved here with its station ----------------------------------------------------------


def test_a_new_generation_follows_the_newest_of_the_same_id_and_station(garage: ChargePoint) -> None:
    ChargePoint.objects.create(pk=2, identity="CP-2")
    a_row(1001, ocpp_id="77", generation=4)
    a_row(1002, ocpp_id="77", generation=2)
    a_row(1003, ocpp_id="78", generation=6)
    a_row(1004, ocpp_id="77", generation=8, charge_point_id=2)

    assert [sessions._next_generation(1, ocpp_id) for ocpp_id in ("77", "78", "79")] == [5, 7, 0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("in_doubt", "ocpp_id", "generation"), [(True, "", 1), (True, "T1", 3), (False, "T1", 3)]
)
async def test_a_number_that_a_moved_session_has_as_its_id_begins_a_generation(
    engine: None, run_orm: Any, in_doubt: bool, ocpp_id: str, generation: int
) -> None:
    live.state().rebuild(last_number=999, active=[])
    await run_orm(ChargePoint.objects.create, pk=1, identity="CP-1")
    await run_orm(lambda: a_row(1005, ocpp_id="1000"))
    station = a_station()
    station.in_doubt = in_doubt

    transaction = await opened(station, ocpp_id=ocpp_id, generation=3 if ocpp_id else 0)

    assert transaction.generation == generation == inserted(station)["generation"]


# -- other rules of the live session -------------------------------------------------------------------------


def test_a_boot_changes_only_the_mark_of_a_session() -> None:
    station = with_transactions(running())

    interruptions.note_boot(station)

    assert updated(station, TRANSACTIONS) == [(1000, {"is_interrupted": True, "updated_at": minutes(60)})]


def test_an_ended_session_is_published_after_the_commit() -> None:
    station = with_transactions(running())
    transaction = station.transactions[1000]

    sessions.end(station, transaction, by="station", at=minutes(30), meter_wh=1100)

    assert station.changed == [transaction]
    assert transaction.is_active is False


@pytest.mark.parametrize(("start", "found"), [("a", 1000), ("b", 1001)])
async def test_a_repeated_start_or_stop_in_memory_needs_no_database(start: str, found: int) -> None:
    station = with_transactions(
        running(1000, start_fingerprint="a", stop_fingerprint="b"),
        running(1001, start_fingerprint="b", stop_fingerprint="a"),
    )

    by_start = await sessions.find_fingerprint(station, start, in_database=True)
    by_stop = await sessions.find_stop(station, start)

    assert (by_start and by_start.id, by_stop and by_stop.id) == (found, 2001 - found)


async def test_a_running_session_of_2_x_named_by_the_server_s_number_stays_as_it_is_in_memory(
    garage: ChargePoint,
) -> None:
    station = with_transactions(running(1000, ocpp_id="T1"), running(1001, ocpp_id="T1"))
    UNKNOWN_NUMBERS.of(station).add(1001)

    found = await sessions.find_number(station, 1001)

    assert found is station.transactions[1001]
