"""The rules of transactions on the live state: which one a message means, and what ends one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, Verdict
from tests.unit.transactions.transactions.live_station import (
    NOON,
    a_station,
    minutes,
    running,
    with_transactions,
)
from transactions.live.stations import RECENT_TRANSACTIONS
from transactions.live.unmatched import UNKNOWN_NUMBERS
from transactions.services.authorization.decision import NO_AUTHORIZATION, Decision
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
    assert energy.take(transaction, [Register(at, Rank.ORDINARY, "", wh, 1.0)], received_at=at)


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


# -- saving --------------------------------------------------------------------------------------------------

_STABLE = {
    "evse": 2,
    "connector": 2,
    "id_token": "OTHER",
    "id_token_type": "eMAID",
    "token_pk": 8,
    "group_id": "FAMILY",
    "authorization_status": "Blocked",
    "interrupted_at": NOON,
    "suspect_reasons": ["superseded"],
}


def saved(transaction: TransactionState, **more: Any) -> dict[str, Any]:
    station = with_transactions(transaction)
    sessions.save(station, transaction, **more)
    return stored(station, transaction.id)


def test_a_saved_transaction_has_every_column_that_a_message_may_change() -> None:
    transaction = running(charging_state="Charging", last_seq_no=5, authorization_reason="R.")
    for name, value in _STABLE.items():
        setattr(transaction, name, value)

    row = saved(transaction, soc_percent=80)

    assert (
        row
        | {
            "evse_number": 2,
            "connector_number": 2,
            "id_token": "OTHER",
            "id_token_type": "eMAID",
            "token_id": 8,
            "group_id": "FAMILY",
            "authorization_status": "Blocked",
            "authorization_reason": "R.",
            "is_interrupted": True,
            "suspect": True,
            "suspect_reasons": ["superseded"],
            "charging_state": "Charging",
            "last_seq_no": 5,
            "last_message_at": minutes(60),
            "soc_percent": 80,
        }
        == row
    )
    assert row["suspect_reasons"] is not transaction.suspect_reasons
    assert transaction.last_message_at == minutes(60)
    assert "updated_at" not in row


def test_columns_that_a_message_did_not_change_are_left_out() -> None:
    transaction = running()
    row = saved(transaction, since=sessions.stable_values(transaction))

    assert {"energy_wh", "meter_last_wh", "registers", "charging_state", "last_message_at"} <= set(row)
    assert {"id_token", "evse_number", "suspect", "is_interrupted"}.isdisjoint(row)


@pytest.mark.parametrize("name", _STABLE)
def test_each_value_that_a_message_seldom_changes_is_saved_when_it_did(name: str) -> None:
    transaction = running()
    since = sessions.stable_values(transaction)
    setattr(transaction, name, _STABLE[name])

    assert "suspect_reasons" in saved(transaction, since=since)


def test_a_late_message_updates_the_time_of_an_ended_transaction() -> None:
    assert saved(running(is_active=False))["updated_at"] == minutes(60)


def emitted(station: Station) -> list[str]:
    return [
        dict(zip(table.names, row, strict=True))["type"]
        for table, row in station.unit.inserts
        if "sequence" in table.names
    ]


@pytest.mark.parametrize(
    ("is_active", "wanted"), [(True, "transaction.ended"), (False, "transaction.amended")]
)
def test_an_end_is_one_event_also_for_a_message_that_changes_more(is_active: bool, wanted: str) -> None:
    transaction = running(is_active=is_active)
    station = with_transactions(transaction)
    sessions.save(station, transaction)
    transaction.charging_state = "EVConnected"
    sessions.save(station, transaction, ends=True)

    sessions.end(station, transaction, by="station", at=minutes(30), meter_wh=1100)

    assert emitted(station) == [wanted]


def test_a_change_of_a_running_transaction_is_an_event() -> None:
    transaction = running()
    station = with_transactions(transaction)
    sessions.save(station, transaction)
    sessions.save(station, transaction)
    transaction.charging_state = "SuspendedEV"
    sessions.save(station, transaction)

    assert emitted(station) == ["transaction.updated"]


async def test_a_claimed_transaction_counts_for_its_token_before_the_commit() -> None:
    live.reset()
    station, transaction = a_station(), running()

    sessions.claim(station, transaction)

    assert station.claimed == [transaction]
    assert await live.state().running("card") == [transaction]
    live.reset()


# -- the end -------------------------------------------------------------------------------------------------


def end(transaction: TransactionState, *, at: float = 30, **more: Any) -> dict[str, Any]:
    station = with_transactions(transaction)
    sessions.end(station, transaction, **({"by": "station", "at": minutes(at)} | more))
    return stored(station, transaction.id)


def test_an_end_stores_the_stop_and_its_readings() -> None:
    token, decision = IdToken("OTHER"), Decision(Verdict.BLOCKED, reason="The token is blocked.")

    row = end(
        running(charging_state="Charging"),
        meter_wh=1700,
        reason="R" * 70,
        token=token,
        decision=decision,
        fingerprint="f",
    )

    assert (
        row
        | {
            "status": "ended",
            "ended_by": "station",
            "stop_reason": "R" * 64,
            "stop_id_token": "OTHER",
            "stop_authorization_status": "Blocked",
            "stop_authorization_reason": "The token is blocked.",
            "stop_fingerprint": "f",
            "meter_stop_wh": 1700,
            "energy_wh": 700,
            "power_w": None,
            "charging_state": "",
            "stopped_at": minutes(30),
            "stop_received_at": minutes(60),
            "updated_at": minutes(60),
            "suspect": False,
        }
        == row
    )


@pytest.mark.parametrize(("at", "wanted"), [(0, []), (-SECOND, ["stop-before-start"])])
def test_a_stop_before_the_start_is_suspect(at: float, wanted: list[str]) -> None:
    transaction = running()
    end(transaction, at=at, meter_wh=1000)

    assert codes(transaction) == wanted


def test_an_ended_transaction_remembers_its_stop() -> None:
    transaction = running()
    row = end(transaction, fingerprint="f", token=IdToken("T" * 300), decision=None)

    assert (transaction.stop_fingerprint, transaction.stop_authorization_status) == ("f", "")
    assert (row["stop_id_token"], row["stop_authorization_reason"]) == ("T" * 255, "")
    without = end(running(), decision=Decision(Verdict.BLOCKED, reason="R" * 400))
    assert (without["stop_id_token"], without["stop_authorization_reason"]) == ("", "")
    long = end(running(), token=IdToken("X"), decision=Decision(Verdict.BLOCKED, reason="R" * 400))
    assert long["stop_authorization_reason"] == "R" * 300


@pytest.mark.parametrize(
    ("status", "meter_wh", "wanted"),
    [
        ("Accepted", 1001, []),
        ("", 1001, []),
        ("Blocked", 1001, ["charged-unauthorized"]),
        ("Blocked", 1000, []),
    ],
)
def test_energy_of_a_refused_token_is_suspect(status: str, meter_wh: float, wanted: list[str]) -> None:
    transaction = running(authorization_status=status)
    row = end(transaction, meter_wh=meter_wh)

    assert (codes(transaction), row["suspect"]) == (wanted, bool(wanted))


@pytest.mark.parametrize(
    ("status", "meter_wh", "left"),
    [
        ("Blocked", 1000, []),
        ("Blocked", 1001, ["connector-unknown", "charged-unauthorized"]),
        ("Accepted", 1000, ["connector-unknown"]),
    ],
)
def test_a_refused_session_without_energy_needs_no_check(
    status: str, meter_wh: float, left: list[str]
) -> None:
    transaction = running(authorization_status=status, suspect_reasons=["connector-unknown: 1"])
    end(transaction, meter_wh=meter_wh)

    assert codes(transaction) == left


@pytest.mark.parametrize(
    ("by", "left"),
    [
        ("station", ["superseded"]),
        ("superseded", ["connector-available", "abandoned", "stop-missing", "superseded"]),
    ],
)
def test_only_the_station_s_own_stop_removes_what_was_assumed_without_one(by: str, left: list[str]) -> None:
    transaction = running(suspect_reasons=["connector-available", "abandoned", "stop-missing", "superseded"])
    end(transaction, by=by, meter_wh=1100)

    assert codes(transaction) == left


# -- the owner -----------------------------------------------------------------------------------------------


def test_the_first_token_owns_a_transaction() -> None:
    transaction = running(id_token="", token_key="", authorization_status="")
    decision = Decision(Verdict.WRONG_PLACE, "G" * 40, token_pk=7, reason="R" * 400)

    sessions.set_token(transaction, None, decision)
    assert (transaction.id_token, transaction.token_pk) == ("", None)
    sessions.set_token(transaction, IdToken("Card" + "x" * 300, "T" * 40), decision)
    sessions.set_token(transaction, IdToken("SECOND", "ISO14443"), Decision(Verdict.ACCEPTED, token_pk=8))

    assert (transaction.id_token, transaction.token_key) == (
        ("Card" + "x" * 300)[:255],
        ("card" + "x" * 300)[:255],
    )
    assert (transaction.id_token_type, transaction.token_pk) == ("T" * 32, 7)
    assert (transaction.group_id, transaction.authorization_status) == ("G" * 36, "Invalid")
    assert transaction.authorization_reason == "R" * 300


def test_a_start_without_a_token_has_no_owner_but_a_decision() -> None:
    transaction = running(id_token="", token_key="", authorization_status="")

    sessions.set_token(transaction, IdToken("", NO_AUTHORIZATION), Decision(Verdict.ACCEPTED))
    assert (transaction.id_token, transaction.id_token_type) == ("", "")
    assert transaction.authorization_status == "Accepted"
    sessions.set_token(transaction, IdToken("LATER"), None)

    assert (transaction.id_token, transaction.authorization_status) == ("LATER", "Accepted")


# -- the live state ------------------------------------------------------------------------------------------


def test_the_recent_ended_transactions_and_all_running_ones_stay_in_memory() -> None:
    ended = [running(number, is_active=False) for number in range(2000, 2000 + RECENT_TRANSACTIONS + 2)]
    station = with_transactions(running(), *reversed(ended))

    sessions._forget_old(station)

    assert sorted(station.transactions) == [1000, *range(2002, 2002 + RECENT_TRANSACTIONS)]


def test_a_failed_block_takes_back_its_changes_and_no_others() -> None:
    station = with_transactions(running())
    transaction = station.transactions[1000]
    transaction.suspect_reasons.append("superseded")
    station.unit.insert(TRANSACTIONS, id=1)
    station.changed.append(transaction)
    station.used_tokens.append(7)
    sessions.save(station, transaction)
    before = (transaction.energy_wh, len(station.unit.inserts), len(station.unit.updates))

    with pytest.raises(ValueError, match="no"), sessions.savepoint(station, transaction):
        sessions.end(station, transaction, by="station", at=minutes(1), meter_wh=1900)
        transaction.suspect_reasons.append("stop-came-first")
        station.unit.insert(TRANSACTIONS, id=2)
        station.used_tokens.append(8)
        raise ValueError("no")

    assert (transaction.energy_wh, len(station.unit.inserts), len(station.unit.updates)) == before
    assert (transaction.is_active, transaction.suspect_reasons) == (True, ["superseded"])
    assert (station.changed, station.used_tokens) == ([transaction], [7])
