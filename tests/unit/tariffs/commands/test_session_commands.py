"""Update cost and Change session tariff: commands about a running session."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.commanding import OperatorCommand
from ocpp_server.domain import Conflict, Invalid, Missing, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21, V201
from tariffs.commands.tariff import CHANGE_TRANSACTION_TARIFF, UPDATE_COST
from tariffs.models import StationTariff
from tests.unit.chargepoints.in_memory import NOON
from tests.unit.tariffs.commands.asking import TWO_PRICES, a_tariff, prepared
from tests.unit.tariffs.stored import a_session
from tests.unit.transactions.at_once import at_once
from transactions.models import Transaction

pytestmark = pytest.mark.django_db
GIVEN: dict[OperatorCommand, dict[str, Any]] = {
    UPDATE_COST: {"total_cost": 4.2},
    CHANGE_TRANSACTION_TARIFF: {"tariff": a_tariff()},
}
both = pytest.mark.parametrize("command", GIVEN, ids=lambda command: command.name)


# -- the session ---------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("reference", [1000, "1000", "T-1"])
@at_once
async def test_the_session_is_named_by_its_number_or_its_id(
    charger: Any, command: OperatorCommand, reference: int | str
) -> None:
    row = await charger(V21)
    session = a_session(row.pk)

    found = await prepared(command, row, transaction=reference, **GIVEN[command])

    assert found["transaction"] == session
    with pytest.raises(Missing, match="Transaction 1001 not found at CP-1"):
        await prepared(command, row, transaction=1001, **GIVEN[command])


@both
@at_once
async def test_a_session_of_another_station_is_not_found(charger: Any, command: OperatorCommand) -> None:
    row = await charger(V21)
    a_session(ChargePoint.objects.create(identity="CP-2").pk)

    with pytest.raises(Missing, match="Transaction 1000 not found at CP-1"):
        await prepared(command, row, transaction=1000, **GIVEN[command])


@both
@at_once
async def test_a_station_that_is_offline_is_not_asked_for_its_sessions(
    charger: Any, command: OperatorCommand
) -> None:
    row = await charger(V21, is_online=False)
    session = a_session(row.pk)

    with pytest.raises(StationOffline, match=r"CP-1 is known but offline\."):
        await prepared(command, row, transaction=1000, **GIVEN[command])

    # The caller that has the row has found it already.
    assert (await prepared(command, row, transaction=session, **GIVEN[command]))["transaction"] == session


@both
@pytest.mark.parametrize("ended_by", ["station", "abandoned"])
@at_once
async def test_an_ended_session_is_refused(charger: Any, command: OperatorCommand, ended_by: str) -> None:
    row = await charger(V21)
    session = a_session(row.pk, status="ended", ended_by=ended_by, stopped_at=NOON)

    for reference in (1000, "T-1", session):
        with pytest.raises(Conflict, match=r"Transaction 1000 has ended\.") as refused:
            await prepared(command, row, transaction=reference, **GIVEN[command])
        assert refused.value.code == Code.TRANSACTION_ENDED


# -- the cost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "cost"),
    [(4.2, "4.2"), (0, "0"), (0.1 + 0.2, "0.3"), (999_999_999_999, "999999999999"), (-1, "-1")],
)
@at_once
async def test_the_cost_is_an_exact_amount(charger: Any, given: float, cost: str) -> None:
    row = await charger(V201)
    session = a_session(row.pk)

    found = await prepared(UPDATE_COST, row, transaction=1000, total_cost=given)

    assert found == {"transaction": session, "total_cost": Decimal(cost)}


@pytest.mark.parametrize("given", ["4.2", True, None, [4.2], 10**12, float("nan")])
@at_once
async def test_another_value_is_no_cost(charger: Any, given: Any) -> None:
    row = await charger(V201, is_online=False)

    with pytest.raises(Invalid, match=r"Must be a number below 1,000,000,000,000\.") as refused:
        await prepared(UPDATE_COST, row, transaction=1000, total_cost=given)

    assert refused.value.field == "totalCost"


@pytest.mark.parametrize("version", [V201, V21])
def test_the_cost_is_sent_as_a_number_with_the_station_s_id_of_the_session(version: str) -> None:
    session = Transaction(id=1000, ocpp_id="T-1")

    payload = UPDATE_COST.payload(version, {"transaction": session, "total_cost": Decimal("4.200000")})

    assert payload == {"totalCost": 4.2, "transactionId": "T-1"}
    assert isinstance(payload["totalCost"], float)
    schemas.outgoing(version, "CostUpdated", "request", payload)


# -- the tariff ----------------------------------------------------------------------------------------------


@at_once
async def test_a_tariff_without_an_id_gets_one_before_it_is_sent(charger: Any) -> None:
    row = await charger(V21)
    session = a_session(row.pk)
    plain = {name: value for name, value in a_tariff().items() if name != "tariffId"}

    for given in (a_tariff(), plain):
        found = await prepared(CHANGE_TRANSACTION_TARIFF, row, transaction=1000, tariff=given)
        assert found["transaction"] == session
        assert found["tariff"] == {"tariffId": found["tariff"]["tariffId"], **plain}
        assert (found["tariff"]["tariffId"] == "DAY") is (given != plain)

    payload = CHANGE_TRANSACTION_TARIFF.payload(V21, found)
    assert payload == {"transactionId": "T-1", "tariff": found["tariff"]}
    schemas.outgoing(V21, "ChangeTransactionTariff", "request", payload)


@at_once
async def test_a_wrong_tariff_is_refused(charger: Any) -> None:
    row = await charger(V21)
    session = a_session(row.pk)
    StationTariff.objects.create(
        charge_point=row, tariff_id="DAY", tariff=a_tariff(), evse_number=0, set_at=NOON, state="accepted"
    )

    with pytest.raises(Invalid) as refused:
        await prepared(CHANGE_TRANSACTION_TARIFF, row, transaction=session, tariff=a_tariff(currency="euro"))
    assert [error["field"] for error in refused.value.errors] == ["tariff.currency"]
    with pytest.raises(Conflict, match="Another tariff has the ID DAY"):
        await prepared(CHANGE_TRANSACTION_TARIFF, row, transaction=session, tariff=a_tariff(currency="CHF"))


def test_a_tariff_that_the_station_can_not_take_gets_a_warning() -> None:
    station = ChargePoint.objects.create(identity="CP-1", ocpp_version=V21)
    given = {"transaction": 1000, "tariff": TWO_PRICES}
    assert CHANGE_TRANSACTION_TARIFF.warning(station, given) == ""
    ReportedKey.objects.create(
        charge_point=station, key="TariffCostCtrlr.MaxElements[Tariff]", value="1", reported_at=NOON
    )

    assert CHANGE_TRANSACTION_TARIFF.warning(station, given) == (
        "The station takes 1 prices of a kind, and the tariff has 2."
    )
    assert CHANGE_TRANSACTION_TARIFF.warning(station, {"transaction": 1000, "tariff": a_tariff()}) == ""
