"""The sessions that prevent a token or its group from starting another one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.records import TokenRecord
from ocpp_server.protocol.translate import Place
from tests.unit.transactions.transactions.live_station import a_station, minutes, running
from tests.unit.transactions.transactions.stored_sessions import a_row, garage
from transactions.live.stations import MAX_SILENCE
from transactions.services.transactions import concurrency

__all__ = ["garage"]

NOW = minutes(60)
HERE = Place(1, 1)


def a_record(group_id: str = "", pk: int = 7) -> TokenRecord:
    return TokenRecord(
        pk=pk, uid="CARD", type="RFID", status="active", valid=True, expires_at=None, group_id=group_id
    )


@pytest.mark.parametrize(
    ("session", "counts"),
    [
        ({}, True),
        ({"last_message_at": NOW - MAX_SILENCE}, True),
        ({"last_message_at": NOW - MAX_SILENCE - timedelta(seconds=1)}, False),
        ({"authorization_status": "Blocked"}, False),
        ({"authorization_status": "Blocked", "energy_mwh": 1}, True),
        ({"authorization_status": ""}, True),
        ({"suspect_reasons": ["superseded"]}, True),
        ({"suspect_reasons": ["superseded", "start-missing: the first event: Updated"]}, False),
        ({"suspect_reasons": ["connector-available"]}, False),
    ],
)
def test_a_session_counts_whose_vehicle_may_be_charging(session: dict[str, Any], counts: bool) -> None:
    energy_mwh = session.pop("energy_mwh", 0)
    one = running(**session)
    one.energy_mwh = energy_mwh

    assert concurrency.counting([one], NOW) == ([one] if counts else [])


# -- the live state ------------------------------------------------------------------------------------------


@pytest.fixture
def state() -> Iterator[None]:
    live.reset()
    yield
    live.reset()


def charges(number: int = 1000, **more: Any) -> None:
    live.state().transaction_changed(running(number, **({"last_message_at": NOW} | more)))


async def refusal(record: TokenRecord, place: Place | None = HERE) -> str | None:
    refused = await concurrency.refuse(a_station(), "card", record, place)
    return None if refused is None else refused.reason


@pytest.mark.parametrize(
    ("session", "place", "is_refused"),
    [
        ({}, Place(1, 1), False),  # the new session replaces it
        ({}, Place(2, 1), True),
        ({}, None, True),
        ({"station": "CP-2"}, Place(1, 1), True),
        ({"station": "CP-2"}, None, True),
        ({"last_message_at": NOW - 2 * MAX_SILENCE}, None, False),
    ],
)
async def test_a_session_elsewhere_prevents_a_start_of_its_token(
    state: None, session: dict[str, Any], place: Place | None, is_refused: bool
) -> None:
    charges(**session)

    station = session.get("station", "CP-1")
    wanted = f"The token is already charging at {station}." if is_refused else None
    assert await refusal(a_record(), place) == wanted


async def test_a_token_may_charge_at_several_places_where_the_setting_allows_it(
    state: None, settings: Any
) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    charges(station="CP-2")

    assert await refusal(a_record()) is None


@pytest.mark.parametrize(("concurrent", "limit", "is_refused"), [
    ("refuse", 0, False), ("refuse", 2, False), ("refuse", 1, True), ("allow", 1, True),
])  # fmt: skip
async def test_the_sessions_of_a_group_are_limited(
    state: None, settings: Any, concurrent: str, limit: int, is_refused: bool
) -> None:
    settings.OCPP_CONCURRENT_TX, settings.OCPP_GROUP_CONCURRENT_TX = concurrent, limit
    charges(station="CP-2", token_key="other", group_id="FAMILY")

    reason = "The group FAMILY already has 1 sessions; 1 are allowed."
    assert await refusal(a_record("FAMILY")) == (reason if is_refused else None)


async def test_the_session_of_the_token_itself_is_the_first_reason(state: None, settings: Any) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    charges(station="CP-2", group_id="FAMILY")

    assert await refusal(a_record("FAMILY")) == "The token is already charging at CP-2."


async def test_tokens_without_a_group_have_no_common_limit(state: None, settings: Any) -> None:
    settings.OCPP_CONCURRENT_TX, settings.OCPP_GROUP_CONCURRENT_TX = "allow", 1
    charges(station="CP-2", token_key="other")

    assert await refusal(a_record()) is None


# -- the database --------------------------------------------------------------------------------------------


def charges_there(number: int = 1000, **more: Any) -> None:
    values = {"status": "active", "last_message_at": NOW, "suspect_reasons": []}
    a_row(number, **(values | more))


def refusal_now(
    record: TokenRecord, charge_point: ChargePoint | None = None, evse_number: int | None = None
) -> str | None:
    refused = concurrency.refuse_now(record, NOW, charge_point, evse_number)
    return None if refused is None else refused.reason


@pytest.mark.parametrize(
    ("session", "evse", "is_refused"),
    [
        ({}, 1, False),
        ({}, 2, True),
        ({}, None, True),
        ({"charge_point_id": 2}, 1, True),
        ({"status": "ended"}, 2, False),
        ({"token_id": None}, 2, False),
        ({"last_message_at": NOW - 2 * MAX_SILENCE}, 2, False),
    ],
)
def test_a_stored_session_elsewhere_prevents_a_remote_start_of_its_token(
    garage: ChargePoint, session: dict[str, Any], evse: int | None, is_refused: bool
) -> None:
    ChargePoint.objects.create(pk=2, identity="CP-2")
    Token.objects.create(pk=7, uid="CARD")
    charges_there(**({"token_id": 7} | session))

    station = f"CP-{session.get('charge_point_id', 1)}"
    wanted = f"The token is already charging at {station}." if is_refused else None
    assert refusal_now(a_record(), garage, evse) == wanted
    assert (refusal_now(a_record()) is None) is (
        session.keys() & {"status", "token_id", "last_message_at"} != set()
    )


@pytest.mark.parametrize(("knows_station", "evse"), [(True, None), (False, 1), (False, None)])
def test_without_a_place_every_session_of_the_token_prevents_a_start(
    garage: ChargePoint, knows_station: bool, evse: int | None
) -> None:
    Token.objects.create(pk=7, uid="CARD")
    charges_there(token_id=7, evse_number=evse)

    assert refusal_now(a_record(), garage if knows_station else None, evse) is not None


def test_the_newest_session_is_named(garage: ChargePoint) -> None:
    ChargePoint.objects.create(pk=2, identity="CP-2")
    Token.objects.create(pk=7, uid="CARD")
    charges_there(1001, token_id=7, charge_point_id=2)
    charges_there(1000, token_id=7)

    assert refusal_now(a_record()) == "The token is already charging at CP-2."


@pytest.mark.parametrize(
    ("concurrent", "limit", "group", "is_refused"),
    [
        ("refuse", 0, "FAMILY", False),
        ("refuse", 2, "FAMILY", False),
        ("refuse", 1, "FAMILY", True),
        ("allow", 1, "family", True),
        ("allow", 1, "OTHER", False),
        ("allow", 1, "", False),
    ],
)
def test_the_stored_sessions_of_a_group_are_limited(
    db: None, settings: Any, concurrent: str, limit: int, *, group: str, is_refused: bool
) -> None:
    settings.OCPP_CONCURRENT_TX, settings.OCPP_GROUP_CONCURRENT_TX = concurrent, limit
    ChargePoint.objects.create(pk=1, identity="CP-1")
    charges_there(group_id="FAMILY")
    charges_there(1001, group_id="")

    reason = f"The group {group} already has 1 sessions; 1 are allowed."
    assert refusal_now(a_record(group)) == (reason if is_refused else None)


def test_a_token_may_start_remotely_at_several_places_where_the_setting_allows_it(
    garage: ChargePoint, settings: Any
) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    Token.objects.create(pk=7, uid="CARD")
    charges_there(token_id=7)

    assert refusal_now(a_record()) is None


def test_the_stored_session_of_the_token_itself_is_the_first_reason(
    garage: ChargePoint, settings: Any
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = 1
    Token.objects.create(pk=7, uid="CARD")
    charges_there(token_id=7, group_id="FAMILY")

    assert refusal_now(a_record("FAMILY")) == "The token is already charging at CP-1."
