"""The remote start that a transaction belongs to, and the ones that lead to none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chargepoints.models import ChargePoint, Command, Site
from events.models import Event
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from tests.unit.chargepoints.in_memory import a_station, changed, events
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.models import RemoteStart
from transactions.services.remote_control import remote_starts
from transactions.tables import REMOTE_STARTS

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def expecting(*waiting: ExpectedStart) -> Station:
    """A station that receives a message at noon."""
    station = a_station()
    EXPECTED_STARTS.of(station).extend(waiting)
    return station


def expected(pk: int = 1, **more: Any) -> ExpectedStart:
    values: dict[str, Any] = {
        "evse": None,
        "token_key": "card",
        "remote_start_id": None,
        "expires_at": NOON + timedelta(minutes=1),
        "command_id": f"c-{pk}",
    }
    return ExpectedStart(pk=pk, **(values | more))


def a_transaction(**more: Any) -> TransactionState:
    values: dict[str, Any] = {"token_key": "card", "evse": 1, "started_at": NOON, "last_message_at": NOON}
    return TransactionState(id=4712, ocpp_id="4712", station="CP-1", **(values | more))


def test_a_transaction_ends_the_wait_for_it() -> None:
    station = expecting(expected(1, token_key="other"), expected(2), expected(3))

    remote_starts.link(station, a_transaction())

    assert changed(station, REMOTE_STARTS) == {2: {"outcome": "started", "transaction_id": 4712}}
    assert [one.pk for one in EXPECTED_STARTS.of(station)] == [1, 3]
    assert events(station) == [
        ("effect.seen", {"requestId": "c-2", "effect": "transaction-started", "transactionId": 4712})
    ]


@pytest.mark.parametrize(
    ("waiting", "transaction", "fits"),
    [
        ({}, {}, True),
        ({}, {"token_key": "other"}, False),
        ({"evse": 1}, {}, True),
        ({"evse": 2}, {}, False),
        ({"evse": 2}, {"evse": None}, True),
        ({"evse": 1}, {"token_key": "other"}, False),
        # Of two numbers only the numbers count.
        ({"remote_start_id": 7}, {"remote_start_id": 7, "token_key": ""}, True),
        ({"remote_start_id": 7}, {"remote_start_id": 8}, False),
        ({"remote_start_id": 7, "evse": 2}, {"remote_start_id": 7}, True),
        # With one number or none, the token and the place do.
        ({"remote_start_id": 7}, {}, True),
        ({}, {"remote_start_id": 7}, True),
        ({}, {"remote_start_id": 7, "token_key": "other"}, False),
    ],
)
def test_a_transaction_belongs_to_the_remote_start_with_its_number_or_its_token_and_place(
    waiting: dict[str, Any], transaction: dict[str, Any], fits: bool
) -> None:
    station = expecting(expected(**waiting))

    remote_starts.link(station, a_transaction(**transaction))

    assert bool(changed(station, REMOTE_STARTS)) is fits


def test_a_remote_start_is_expected_until_its_time_is_over() -> None:
    over, just = expected(1, expires_at=NOON - TICK), expected(2, expires_at=NOON)
    station = expecting(over, just)

    remote_starts.link(station, a_transaction())

    assert list(changed(station, REMOTE_STARTS)) == [2]
    assert EXPECTED_STARTS.of(station) == [over]


# -- remote starts without a transaction ---------------------------------------------------------------------


def a_row(number: int, **more: Any) -> RemoteStart:
    charger, _ = ChargePoint.objects.get_or_create(
        identity="CP-1", defaults={"site": Site.objects.get_or_create(name="Depot")[0]}
    )
    command = Command.objects.create(
        id=f"c-{number}",
        charge_point=charger,
        action="RemoteStartTransaction",
        payload={},
        created_at=NOON,
        deadline_at=NOON,
    )
    values = {"id_token": "CARD", "created_at": NOON, "expires_at": NOON}
    return RemoteStart.objects.create(command=command, charge_point=charger, **(values | more))


@pytest.mark.django_db
def test_a_remote_start_without_a_transaction_fails_after_its_time() -> None:
    over = a_row(1, expires_at=NOON - TICK)
    rest = [a_row(2), a_row(3, expires_at=NOON - TICK, outcome="started")]

    remote_starts.expire(NOON)

    over.refresh_from_db()
    assert over.outcome == "nothing"
    for row, outcome in zip(rest, ("waiting", "started"), strict=True):
        row.refresh_from_db()
        assert row.outcome == outcome
    event = Event.objects.get()
    assert (event.type, event.station) == ("effect.missed", "CP-1")
    assert event.site_id == Site.objects.get().pk
    assert orjson.loads(event.data) == {"requestId": "c-1", "effect": "transaction-started"}
