"""The command that reserves an EVSE: what is checked before the request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from accounts.models import Token
from configuration.models import ReportedKey
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct.accounts import a_token
from tests.unit.transactions.at_once import at_once
from tests.unit.transactions.commands.reserving import prepared
from transactions.commands.reservation import RESERVE
from transactions.models import AccessRule, Transaction
from transactions.services.authorization.decision import decide_now

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOW: dict[str, Any] = {"actor": "ann", "timeout": 7.0, "wait": True}


# -- the time ------------------------------------------------------------------------------------------------


@at_once
async def test_nothing_is_reserved_at_a_station_that_is_offline(charger: Any) -> None:
    with pytest.raises(StationOffline, match="CP-1 is known but offline"):
        await prepared(await charger(is_online=False))


@pytest.mark.parametrize(("minutes", "is_allowed"), [(0, False), (1, True), (44640, True), (44641, False)])
@at_once
async def test_a_reservation_ends_in_the_future_and_within_31_days(
    charger: Any, minutes: int, is_allowed: bool
) -> None:
    row = await charger()
    before = datetime.now(UTC)

    if is_allowed:
        expiry = (await prepared(row, minutes=minutes))["expiry"]
        assert timedelta(0) <= expiry - before - timedelta(minutes=minutes) < timedelta(minutes=1)
        return
    with pytest.raises(Invalid, match="in the future, and at most 31 days away") as refused:
        await prepared(row, minutes=minutes)
    assert refused.value.field == "expiryDate"


@at_once
async def test_a_time_is_used_instead_of_the_minutes(charger: Any) -> None:
    row, wanted = await charger(), datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    elsewhere = wanted.astimezone(tz=datetime.strptime("+0530", "%z").tzinfo)

    for text in (wanted.isoformat(), elsewhere.isoformat(), wanted.replace(tzinfo=None).isoformat()):
        assert (await prepared(row, expires_at=text))["expiry"] == wanted


@pytest.mark.parametrize("text", ["soon", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+05:00"])
@at_once
async def test_another_text_is_no_time(charger: Any, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        await prepared(await charger(), expires_at=text)

    assert refused.value.field == "expiryDate"
    assert str(refused.value) == f"{text} is not a time. Use a time such as 2026-11-28T15:00:00Z."


# -- the station --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [V16, V201, V21])
@pytest.mark.parametrize("evse", [0, 1])
@pytest.mark.parametrize(
    ("name", "value", "refused_for"),
    [
        ("ReserveConnectorZeroSupported", "false", {(V16, 0)}),
        ("ReserveConnectorZeroSupported", " FALSE ", {(V16, 0)}),
        ("ReserveConnectorZeroSupported", "true", set()),
        ("ReservationCtrlr.NonEvseSpecific", "False", {(V201, 0), (V21, 0)}),
        ("ReservationCtrlr.Enabled", "false", {(V201, 0), (V21, 0), (V201, 1), (V21, 1)}),
        ("ReservationCtrlr.Enabled", "true", set()),
    ],
)
@at_once
async def test_a_station_that_reports_that_it_can_not_is_not_asked(
    charger: Any, orm: Any, *, version: str, evse: int, name: str, value: str, refused_for: set[Any]
) -> None:
    row = await charger(version)
    await orm(ReportedKey.objects.create, charge_point=row, key=name, value=value, reported_at=NOON)

    if (version, evse) not in refused_for:
        assert (await prepared(row, evse_number=evse))["evse_number"] == evse
        return
    with pytest.raises(NotSupported) as refused:
        await prepared(row, evse_number=evse)
    assert str(refused.value) == f"This station does not support it, because it reports {name}={value}."


# -- the token -----------------------------------------------------------------------------------------------


@at_once
async def test_a_known_token_that_may_not_charge_is_refused_unless_it_is_forced(
    charger: Any, orm: Any
) -> None:
    row = await charger()
    await orm(a_token, status="blocked")

    with pytest.raises(Conflict, match="The token may not charge here: .*blocked") as refused:
        await prepared(row)

    assert refused.value.code == Code.TOKEN_REFUSED
    data = cast("dict[str, Any]", refused.value.data)
    assert data["status"] == "Blocked" and str(refused.value).endswith(data["reason"])
    assert (await prepared(row, force=True))["id_token"] == "CARD"


@at_once
async def test_a_token_is_judged_at_the_station(charger: Any, orm: Any) -> None:
    row = await charger()
    token = await orm(a_token)
    await orm(AccessRule.objects.create, token=token, charge_point=row, effect=AccessRule.Effect.REFUSE)

    with pytest.raises(Conflict, match="The token may not charge here") as refused:
        await prepared(row)

    assert refused.value.code == Code.TOKEN_REFUSED


@at_once
async def test_a_token_that_charges_now_can_be_reserved_for_later(charger: Any, orm: Any) -> None:
    row = await charger()
    token = await orm(a_token)
    at = {"started_at": NOON, "start_received_at": NOON, "last_message_at": datetime.now(UTC)}
    await orm(
        Transaction.objects.create,
        id=1000,
        charge_point=row,
        token=token,
        id_token="CARD",
        evse_number=1,
        **at,
    )

    now: Any = await orm(decide_now, uid="CARD", charge_point=row, evse_number=2)
    assert not now.is_accepted
    assert (await prepared(row, evse_number=2))["evse_number"] == 2


@at_once
async def test_the_facts_of_the_token_are_prepared_with_the_other_arguments(charger: Any, orm: Any) -> None:
    row = await charger(V201)
    await orm(a_token, group_id="FAMILY", type=Token.Type.RFID)

    given = await prepared(row, id_token="card", evse_number=2, connector_type="cCCS2")  # noqa: S106
    given.pop("expiry")

    assert given == {
        "id_token": "card",
        "evse_number": 2,
        "connector_type": "cCCS2",
        "known_type": "ISO14443",
        "group_id": "FAMILY",
    }


@pytest.mark.parametrize("kind", [Token.Type.APP_USER, Token.Type.OTHER, None])
@at_once
async def test_a_token_without_a_card_is_of_the_central_system(charger: Any, orm: Any, kind: Any) -> None:
    row = await charger(V201)
    if kind is not None:
        await orm(a_token, type=kind)

    given = await prepared(row)

    assert (given["known_type"], given["group_id"], given["evse_number"]) == ("Central", "", 0)


@pytest.mark.parametrize(
    ("arguments", "is_warned"),
    [({"id_token": "NEW"}, True), ({"id_token": "NEW", "force": True}, False), ({"id_token": "CARD"}, False)],
)
@at_once
async def test_an_unknown_token_gets_a_warning_unless_it_is_forced(
    charger: Any, orm: Any, arguments: dict[str, Any], is_warned: bool
) -> None:
    row = await charger()
    await orm(a_token)

    warning = await orm(RESERVE.warning, row, arguments)

    assert warning.startswith("This token is unknown.") is is_warned and bool(warning) is is_warned
