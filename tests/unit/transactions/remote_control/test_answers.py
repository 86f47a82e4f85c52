"""A station's answer to a remote start: its row, and the transaction that it leads to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.versions import V16, V201
from tests.direct.accounts import a_token
from tests.direct.station import DirectStation
from tests.unit.chargepoints.in_memory import changed
from transactions.handlers.remote_control import remote_start_transaction, request_start_transaction
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.models import RemoteStart
from transactions.services.remote_control import remote_starts
from transactions.tables import REMOTE_STARTS, TRANSACTIONS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("units_at_once")]
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
IN_FIVE_MINUTES = NOON + timedelta(minutes=5)


def a_command(station: Station, command_id: str = "c-1") -> str:
    return str(
        Command.objects.create(
            id=command_id,
            charge_point_id=station.pk,
            action="RemoteStartTransaction",
            payload={},
            created_at=NOON,
            deadline_at=NOON,
        ).pk
    )


async def sent(charger: DirectStation, run_orm: Any, command_id: str = "c-1") -> Station:
    """The live station, which answers at noon; its command has a row."""
    await run_orm(a_command, charger.station, command_id)
    charger.station.received_at = NOON
    return charger.station


REQUEST_16 = {"idTag": " Card ", "connectorId": 2}
REQUEST_2X = {"idToken": {"idToken": " Card ", "type": "Central"}, "remoteStartId": 77, "evseId": 2}


# -- the row -------------------------------------------------------------------------------------------------


async def test_an_accepted_remote_start_of_1_6_waits_five_minutes(station: Any, run_orm: Any) -> None:
    live = await sent(await station(V16), run_orm)

    await remote_start_transaction(live, REQUEST_16, {"status": "Accepted"}, "c-1")

    row = await run_orm(RemoteStart.objects.get)
    assert (row.command_id, row.charge_point_id, row.evse_number) == ("c-1", live.pk, 2)
    assert (row.id_token, row.id_token_type, row.remote_start_id) == (" Card ", "", None)
    assert (row.outcome, row.created_at, row.expires_at) == ("waiting", NOON, IN_FIVE_MINUTES)
    assert EXPECTED_STARTS.of(live) == [
        ExpectedStart(row.pk, 2, "card", None, IN_FIVE_MINUTES, " Card ", "", "c-1")
    ]


async def test_an_accepted_remote_start_of_2_x_waits_with_its_number(station: Any, run_orm: Any) -> None:
    live = await sent(await station(V201), run_orm)

    await request_start_transaction(live, REQUEST_2X, {"status": "Accepted"}, "c-1")

    row = await run_orm(RemoteStart.objects.get)
    assert (row.command_id, row.charge_point_id, row.evse_number) == ("c-1", live.pk, 2)
    assert (row.id_token, row.id_token_type, row.remote_start_id) == (" Card ", "Central", 77)
    assert EXPECTED_STARTS.of(live) == [
        ExpectedStart(row.pk, 2, "card", 77, IN_FIVE_MINUTES, " Card ", "Central", "c-1")
    ]


@pytest.mark.parametrize(
    ("version", "handler", "request_sent"),
    [(V16, remote_start_transaction, REQUEST_16), (V201, request_start_transaction, REQUEST_2X)],
)
async def test_a_rejected_remote_start_is_stored_and_waits_for_nothing(
    station: Any, run_orm: Any, version: str, handler: Any, request_sent: dict[str, Any]
) -> None:
    live = await sent(await station(version), run_orm)

    await handler(live, request_sent, {"status": "Rejected"}, "c-1")

    row = await run_orm(RemoteStart.objects.get)
    assert (row.outcome, row.evse_number, EXPECTED_STARTS.of(live)) == ("refused", 2, [])


async def test_a_remote_start_without_a_place_is_stored_without_one(station: Any, run_orm: Any) -> None:
    live = await sent(await station(V16), run_orm)

    await remote_start_transaction(live, {"idTag": "CARD"}, {"status": "Accepted"}, "c-1")

    assert (await run_orm(RemoteStart.objects.get)).evse_number is None


async def test_long_texts_of_a_token_are_cut_to_their_columns(station: Any, run_orm: Any) -> None:
    """SQLite would not notice texts that are too long; PostgreSQL refuses them."""
    live = await sent(await station(V201), run_orm)
    request = REQUEST_2X | {"idToken": {"idToken": "X" * 300, "type": "T" * 40}}

    await request_start_transaction(live, request, {"status": "Accepted"}, "c-1")

    row = await run_orm(RemoteStart.objects.get)
    assert (row.id_token, row.id_token_type) == ("X" * 255, "T" * 32)


# -- a transaction that came before the answer ---------------------------------------------------------------


async def started(charger: DirectStation, **more: Any) -> Any:
    await charger.event("Started", "T", evse=2, remote_start=77, **more)
    live = charger.live({"transaction": "T"})
    assert live is not None
    return live


@pytest.mark.parametrize(("seconds", "is_linked"), [(29, True), (30, False)])
async def test_a_transaction_of_the_last_half_minute_belongs_to_the_remote_start_with_its_number(
    station: Any, run_orm: Any, seconds: int, is_linked: bool
) -> None:
    charger = await station(V201)
    begun = await started(charger)
    live = await sent(charger, run_orm)
    begun.last_message_at = NOON - timedelta(seconds=seconds)

    await request_start_transaction(live, REQUEST_2X, {"status": "Accepted"}, "c-1")

    row = await run_orm(RemoteStart.objects.get)
    wanted = {row.pk: {"outcome": "started", "transaction_id": begun.id}} if is_linked else {}
    assert changed(live, REMOTE_STARTS) == wanted
    assert len(EXPECTED_STARTS.of(live)) == (0 if is_linked else 1)


async def test_a_transaction_of_another_remote_start_is_left_alone(station: Any, run_orm: Any) -> None:
    charger = await station(V201)
    begun = await started(charger)
    live = await sent(charger, run_orm)
    begun.last_message_at = NOON

    await request_start_transaction(live, REQUEST_2X | {"remoteStartId": 78}, {"status": "Accepted"}, "c-1")

    assert changed(live, REMOTE_STARTS) == {}


async def test_an_answer_of_1_6_has_no_number_that_a_transaction_without_one_could_match(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    await charger.start("CARD", evse=2)
    live = await sent(charger, run_orm)
    for transaction in live.transactions.values():
        transaction.last_message_at = NOON

    await remote_start_transaction(live, REQUEST_16, {"status": "Accepted"}, "c-1")

    assert changed(live, REMOTE_STARTS) == {}


async def test_a_transaction_without_a_token_belongs_to_the_token_of_its_remote_start(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V201)
    token = await run_orm(a_token)
    begun = await started(charger)
    live = await sent(charger, run_orm)
    begun.last_message_at = NOON
    assert begun.id_token == ""

    await request_start_transaction(live, REQUEST_2X, {"status": "Accepted"}, "c-1")

    assert (begun.id_token, begun.token_pk, begun.authorization_status) == (" Card ", token.pk, "Accepted")
    columns = changed(live, TRANSACTIONS)[begun.id]
    assert (columns["id_token"], columns["token_id"]) == (" Card ", token.pk)


async def test_the_token_that_started_a_transaction_stays_its_owner(station: Any, run_orm: Any) -> None:
    charger = await station(V201)
    await run_orm(a_token)
    await run_orm(a_token, "OTHER")
    begun = await started(charger, uid="OTHER")
    live = await sent(charger, run_orm)
    begun.last_message_at = NOON

    await request_start_transaction(live, REQUEST_2X, {"status": "Accepted"}, "c-1")

    assert (begun.id_token, changed(live, TRANSACTIONS)) == ("OTHER", {})


# -- the token of a remote start -----------------------------------------------------------------------------


async def test_the_token_of_a_remote_start_is_found_by_its_number(station: Any, run_orm: Any) -> None:
    live = await sent(await station(V201), run_orm)
    for number, uid in ((77, "A"), (78, "B")):
        EXPECTED_STARTS.of(live).append(
            ExpectedStart(number, None, uid.lower(), number, IN_FIVE_MINUTES, uid, "Central", "c")
        )

    assert await remote_starts.token_of(live, 78) == IdToken("B", "Central")
    assert await remote_starts.token_of(live, None) is None
    assert await remote_starts.token_of(live, 79) is None


async def test_the_newest_stored_remote_start_of_the_station_with_a_number_has_its_token(
    station: Any, run_orm: Any
) -> None:
    one, other = await station(V201), await station(V201, "CP-2")
    rows = [
        ("c-1", one, 77, "OLD", "eMAID"),
        ("c-2", one, 77, "NEW", "Central"),
        ("c-3", one, 78, "ANOTHER", "Central"),
        ("c-4", other, 77, "ELSEWHERE", "Central"),
    ]
    for command_id, charger, number, uid, kind in rows:
        live = await sent(charger, run_orm, command_id)
        await run_orm(
            RemoteStart.objects.create,
            command_id=command_id,
            charge_point_id=live.pk,
            remote_start_id=number,
            id_token=uid,
            id_token_type=kind,
            outcome="nothing",
            created_at=NOON,
            expires_at=NOON,
        )

    assert await remote_starts.token_of(one.station, 77) == IdToken("NEW", "Central")
    assert await remote_starts.token_of(one.station, 79) is None
