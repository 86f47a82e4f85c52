"""Stored columns of a transaction, its end, its owner, and the fields that stay in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Verdict
from tests.unit.transactions.transactions.live_station import (
    NOON,
    a_station,
    minutes,
    running,
    with_transactions,
)
from transactions.live.stations import RECENT_TRANSACTIONS
from transactions.models import Transaction
from transactions.services.authorization.decision import NO_AUTHORIZATION, Decision
from transactions.services.transactions import sessions
from transactions.tables import TRANSACTIONS

SECOND = 1 / 60


def codes(transaction: TransactionState) -> list[str]:
    return [reason.partition(":")[0] for reason in transaction.suspect_reasons]


def stored(station: Station, number: int = 1000) -> dict[str, Any]:
    """The columns of a transaction that the current message writes."""
    (values,) = [one for table, key, one in station.unit.updates if (table, key) == (TRANSACTIONS, number)]
    return values


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
    before = (transaction.energy_mwh, len(station.unit.inserts), len(station.unit.updates))

    with pytest.raises(ValueError, match="no"), sessions.savepoint(station, transaction):
        sessions.end(station, transaction, by="station", at=minutes(1), meter_wh=1900)
        transaction.suspect_reasons.append("stop-came-first")
        station.unit.insert(TRANSACTIONS, id=2)
        station.used_tokens.append(8)
        raise ValueError("no")

    assert (transaction.energy_mwh, len(station.unit.inserts), len(station.unit.updates)) == before
    assert (transaction.is_active, transaction.suspect_reasons) == (True, ["superseded"])
    assert (station.changed, station.used_tokens) == ([transaction], [7])


def test_a_reading_changes_no_column_that_an_index_has() -> None:
    """PostgreSQL would write all indexes of the session with every reading, and SQLite those of the
    column.
    """
    state = TransactionState(
        id=1000, ocpp_id="1000", station="CP", evse=1, connector=1, started_at=NOON, last_message_at=NOON
    )
    rules = [*Transaction._meta.indexes, *Transaction._meta.constraints]
    indexed = {name.lstrip("-") for rule in rules for name in getattr(rule, "fields", ())}
    indexed |= {field.name for field in Transaction._meta.concrete_fields if field.db_index or field.unique}

    assert "updated_at" in indexed and "suspect" in indexed
    assert indexed.isdisjoint(sessions._changing_columns(state))
