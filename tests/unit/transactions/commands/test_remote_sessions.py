"""Remote start and remote stop: what is checked before the call, and the payload in both dialects."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.domain import Conflict, Missing, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct.accounts import a_token
from transactions.commands.remote_control.sessions import REMOTE_START, REMOTE_STOP
from transactions.models import Refusal, Transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


async def a_charger(run_orm: Any, *, is_online: bool = True) -> ChargePoint:
    charger = cast(
        "ChargePoint", await run_orm(ChargePoint.objects.create, identity="CP-1", ocpp_version=V16)
    )
    if is_online:
        await live.state().connect(
            Connection(
                id="c-1", identity="CP-1", version=V16, channel="", remote_address="", connected_at=NOON
            )
        )
    return charger


async def prepared(command: Any, charger: ChargePoint, **arguments: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", await command.prepare(charger, **arguments))


# -- remote start --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_a_remote_start_of_a_refused_token_is_not_sent_unless_it_is_forced(
    engine: None, run_orm: Any
) -> None:
    charger = await a_charger(run_orm)
    await run_orm(a_token, status="blocked")

    with pytest.raises(Conflict, match="The token is blocked"):
        await prepared(REMOTE_START, charger, id_token="CARD", evse_number=2, id_token_type="Central")

    refusal = await run_orm(Refusal.objects.get)
    assert (refusal.id_token, refusal.evse_number) == ("CARD", 2)
    assert await prepared(
        REMOTE_START, charger, id_token="CARD", evse_number=2, id_token_type="Central", force=True
    ) == {"id_token": "CARD", "evse_number": 2, "id_token_type": "Central"}
    assert await run_orm(Refusal.objects.count) == 1


@pytest.mark.django_db(transaction=True)
async def test_a_token_is_not_checked_for_a_station_that_is_offline(engine: None, run_orm: Any) -> None:
    charger = await a_charger(run_orm, is_online=False)
    await run_orm(a_token, status="blocked")

    assert await prepared(REMOTE_START, charger, id_token="CARD") == {"id_token": "CARD", "evse_number": None}
    assert not await run_orm(Refusal.objects.exists)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "is_warned"),
    [
        ({"id_token": "NEW"}, True),
        ({"id_token": "NEW", "evse_number": 1}, True),
        ({"id_token": "NEW", "force": True}, False),
        ({"id_token": "CARD"}, False),
    ],
)
def test_a_remote_start_of_an_unknown_token_gets_a_warning_unless_it_is_forced(
    arguments: dict[str, Any], is_warned: bool
) -> None:
    charger = ChargePoint.objects.create(identity="CP-1")
    a_token()

    warning = REMOTE_START.warning(charger, arguments)

    assert warning.startswith("This token is unknown.") is is_warned
    assert is_warned or warning == ""


@pytest.mark.parametrize(("place", "spelled"), [({}, {}), ({"evse_number": 2}, {"connectorId": 2})])
def test_a_remote_start_of_1_6_has_the_token_and_the_connector_if_one_is_chosen(
    place: dict[str, int], spelled: dict[str, int]
) -> None:
    payload = REMOTE_START.payload(V16, {"id_token": "CARD", "id_token_type": "Central", **place})

    assert payload == {"idTag": "CARD"} | spelled


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize(("place", "spelled"), [({}, {}), ({"evse_number": 2}, {"evseId": 2})])
def test_a_remote_start_of_2_x_has_a_number_of_its_own(
    version: str, place: dict[str, int], spelled: dict[str, int]
) -> None:
    given = {"id_token": "CARD", **place}
    payloads = [REMOTE_START.payload(version, given) for _ in range(3)]

    numbers = {payload.pop("remoteStartId") for payload in payloads}
    assert payloads == [{"idToken": {"idToken": "CARD", "type": "Central"}} | spelled] * 3
    assert len(numbers) == 3


@pytest.mark.parametrize(("version", "has_type"), [(V16, False), (V201, True), (V21, True)])
def test_only_a_2_x_station_has_types_of_tokens(version: str, has_type: bool) -> None:
    station = cast("Any", SimpleNamespace(identity="CP-1", ocpp_version=version))

    names = [field.argument for field in REMOTE_START.fields_at(station)]

    assert ("id_token_type" in names) is has_type
    assert {"id_token", "evse_number", "force"} <= set(names)


# -- remote stop ---------------------------------------------------------------------------------------------


def a_session(charger: ChargePoint, **more: Any) -> Transaction:
    values = {"started_at": NOON, "start_received_at": NOON, "last_message_at": NOON}
    return Transaction.objects.create(id=1000, ocpp_id="T-1", charge_point=charger, **(values | more))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reference", [1000, "1000", "T-1"])
async def test_the_session_to_stop_is_named_by_its_number_or_its_id(
    engine: None, run_orm: Any, reference: int | str
) -> None:
    charger = await a_charger(run_orm)
    session = await run_orm(a_session, charger)

    assert await prepared(REMOTE_STOP, charger, transaction=reference) == {"transaction": session}
    with pytest.raises(Missing, match="Transaction 1001 not found at CP-1"):
        await prepared(REMOTE_STOP, charger, transaction=1001)


@pytest.mark.django_db(transaction=True)
async def test_a_station_that_is_offline_stops_nothing(engine: None, run_orm: Any) -> None:
    charger = await a_charger(run_orm, is_online=False)
    session = await run_orm(a_session, charger)

    with pytest.raises(StationOffline, match="CP-1 is known but offline"):
        await prepared(REMOTE_STOP, charger, transaction=1000)

    assert await prepared(REMOTE_STOP, charger, transaction=session) == {"transaction": session}
