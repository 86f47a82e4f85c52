"""The commands that reserve an EVSE and cancel the reservation: what is spelled, sent and stored."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.commanding import Result
from ocpp_server.domain import Conflict, Invalid, Missing, QueueFull, StationOffline
from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct.accounts import a_token
from tests.direct.reservations import a_reservation
from tests.unit.transactions.at_once import at_once
from tests.unit.transactions.commands.conftest import Wire
from tests.unit.transactions.commands.reserving import prepared
from transactions.commands.reservation import CANCEL_RESERVATION, RESERVE
from transactions.models import Reservation

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOW: dict[str, Any] = {"actor": "ann", "timeout": 7.0, "wait": True}


async def reserved(row: ChargePoint, **arguments: Any) -> Result:
    assert RESERVE.run is not None
    return await RESERVE.run(row, **HOW, **await prepared(row, **arguments))


async def cancelled(row: ChargePoint, number: int = 815) -> Result:
    assert CANCEL_RESERVATION.prepare is not None and CANCEL_RESERVATION.run is not None
    given = await CANCEL_RESERVATION.prepare(row, number=number)
    return await CANCEL_RESERVATION.run(row, **HOW, **given)


# -- the request ---------------------------------------------------------------------------------------------


def text_of(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@pytest.mark.parametrize("evse", [0, 2])
@pytest.mark.parametrize("group", ["", "G" * 30])
@at_once
async def test_the_request_in_1_6(charger: Any, orm: Any, wire: Wire, evse: int, group: str) -> None:
    row = await charger()
    await orm(a_token, group_id=group)

    result = await reserved(row, evse_number=evse)

    stored = await orm(Reservation.objects.get)
    expected = {
        "connectorId": evse,
        "expiryDate": text_of(stored.expires_at),
        "idTag": "CARD",
        "reservationId": stored.number,
    }
    assert wire.sent == [("ReserveNow", expected | ({"parentIdTag": "G" * 20} if group else {}))]
    assert wire.how == [HOW]
    assert result.command.pk == "c-1"
    assert (stored.evse_number, stored.id_token, stored.id_token_type) == (evse or None, "CARD", "")
    assert (stored.group_id, stored.connector_type, stored.command_id) == (group, "", "c-1")


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize(
    ("arguments", "kind", "more"),
    [
        ({}, "ISO14443", {}),
        ({"evse_number": 2}, "ISO14443", {"evseId": 2}),
        ({"id_token_type": "eMAID"}, "eMAID", {}),
        ({"connector_type": "cCCS2"}, "ISO14443", {"connectorType": "cCCS2"}),
    ],
)
@pytest.mark.parametrize("group", ["", "G" * 36])
@at_once
async def test_the_request_in_2_x(
    charger: Any,
    orm: Any,
    wire: Wire,
    *,
    version: str,
    arguments: dict[str, Any],
    kind: str,
    more: dict[str, Any],
    group: str,
) -> None:
    row = await charger(version)
    await orm(a_token, group_id=group, type=Token.Type.RFID)

    await reserved(row, **arguments)

    stored = await orm(Reservation.objects.get)
    expected = {
        "id": stored.number,
        "expiryDateTime": text_of(stored.expires_at),
        "idToken": {"idToken": "CARD", "type": kind},
        **more,
    }
    if group:
        expected["groupIdToken"] = {"idToken": group, "type": "Central"}
    assert wire.sent == [("ReserveNow", expected)]
    assert (stored.id_token_type, stored.connector_type) == (kind, arguments.get("connector_type", ""))


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ({"state": "accepted", "response": {"status": "Accepted"}}, "accepted", ""),
        ({"state": "rejected", "response": {"status": "Faulted"}}, "refused", "faulted"),
        ({"state": "timeout"}, "unanswered", "silent"),
        ({"state": "queued"}, "requested", ""),
    ],
)
@at_once
async def test_the_result_has_the_reservation_after_the_answer(
    charger: Any, orm: Any, wire: Wire, *, answer: dict[str, Any], state: str, reason: str
) -> None:
    wire.answers = answer

    result = await reserved(await charger(), evse_number=1)

    stored = await orm(Reservation.objects.get)
    assert result.data == {
        "id": stored.pk,
        "reservationId": stored.number,
        "state": state,
        "reason": reason,
        "expiryDate": text_of(stored.expires_at),
    }
    assert (stored.state, stored.reason) == (state, reason)


@at_once
async def test_a_type_of_connectors_is_refused_in_1_6_before_anything_is_stored(
    charger: Any, orm: Any, wire: Wire
) -> None:
    with pytest.raises(Invalid, match=r"OCPP 1\.6 reserves no type of connectors") as refused:
        await reserved(await charger(), connector_type="cCCS2")

    assert refused.value.field == "connectorType"
    assert wire.sent == [] and not await orm(Reservation.objects.exists)


@pytest.mark.parametrize(("version", "is_stored"), [(V16, False), (V201, True)])
@at_once
async def test_a_payload_that_the_schema_refuses_leaves_no_row(
    charger: Any, orm: Any, wire: Wire, version: str, is_stored: bool
) -> None:
    row = await charger(version)

    if is_stored:  # 36 characters, and 20 in 1.6
        await reserved(row, id_token="C" * 36)
    else:
        with pytest.raises(Invalid, match=r"The payload is not a valid ReserveNow of OCPP 1\.6"):
            await reserved(row, id_token="C" * 36)

    assert await orm(Reservation.objects.exists) is is_stored and bool(wire.sent) is is_stored


@pytest.mark.parametrize("error", [StationOffline("gone"), QueueFull(), live.LiveStateUnavailable("down")])
@at_once
async def test_a_request_that_can_not_be_sent_is_refused(
    charger: Any, orm: Any, wire: Wire, error: Exception
) -> None:
    wire.error = error

    with pytest.raises(type(error)):
        await reserved(await charger(), evse_number=1)

    stored = await orm(Reservation.objects.get)
    assert (stored.state, stored.reason, stored.command) == ("refused", "not-sent", None)
    assert stored.ended_at is not None


@at_once
async def test_a_refused_one_is_sent_again_under_its_number(charger: Any, orm: Any, wire: Wire) -> None:
    row = await charger()
    old = await orm(a_reservation, row, 77, state="refused", reason="occupied", ended_at=NOON)

    result = await reserved(row, number=77, evse_number=1)

    stored = await orm(Reservation.objects.get)
    assert (stored.pk, stored.state, stored.reason, stored.ended_at) == (old.pk, "accepted", "", None)
    assert wire.sent[0][1]["reservationId"] == 77
    assert cast("dict[str, Any]", result.data)["reservationId"] == 77


@at_once
async def test_an_unknown_number_is_not_sent_again(charger: Any, wire: Wire) -> None:
    with pytest.raises(Missing, match=r"CP-1 has no reservation 78\."):
        await reserved(await charger(), number=78)

    assert wire.sent == []


@pytest.mark.parametrize(("version", "has_types"), [(V16, False), (V201, True), (V21, True)])
def test_only_a_2_x_station_has_types_of_tokens_and_connectors(version: str, has_types: bool) -> None:
    station = cast("Any", SimpleNamespace(identity="CP-1", ocpp_version=version))

    names = {field.argument for field in RESERVE.fields_at(station)}

    assert ({"id_token_type", "connector_type"} <= names) is has_types
    assert {"id_token", "evse_number", "minutes", "expires_at", "number", "force"} <= names


# -- the cancellation ----------------------------------------------------------------------------------------


@at_once
async def test_a_cancellation_is_connected_with_its_reservation(charger: Any, orm: Any, wire: Wire) -> None:
    row = await charger()
    stored = await orm(a_reservation, row, state="accepted")

    result = await cancelled(row)

    await orm(stored.refresh_from_db)
    assert wire.sent == [("CancelReservation", {"reservationId": 815})] and wire.how == [HOW]
    assert (stored.cancel_command_id, result.command.pk, result.data) == ("c-1", "c-1", None)
    assert stored.state == "accepted" and stored.updated_at > NOON  # the answer ends it


@at_once
async def test_an_unknown_reservation_is_cancelled_too(charger: Any, wire: Wire) -> None:
    result = await cancelled(await charger(), 4711)

    assert wire.sent == [("CancelReservation", {"reservationId": 4711})]
    assert result.command.pk == "c-1"


@at_once
async def test_one_that_is_over_is_not_cancelled(charger: Any, orm: Any, wire: Wire) -> None:
    row = await charger()
    await orm(a_reservation, row, state="used")

    with pytest.raises(Conflict, match="there is nothing to cancel"):
        await cancelled(row)

    assert wire.sent == []
