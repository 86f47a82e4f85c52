"""Commands about tariffs and costs."""

from __future__ import annotations

from typing import Any

from chargepoints.models import Command
from ocpp_server import commanding
from tariffs.models import SessionCost, StationTariff
from tariffs.serializers import SessionCostSerializer, StationTariffSerializer
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, fields_of, of, shown

TARIFF = {"tariffId": "A", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.42}]}}


async def _tariffs(case: Case) -> list[dict[str, Any]]:
    rows = StationTariff.objects.filter(charge_point=case.pk).order_by("set_at")
    return await shown(StationTariffSerializer, rows)


async def _costs(case: Case) -> list[dict[str, Any]]:
    rows = SessionCost.objects.filter(charge_point=case.pk).select_related("charge_point")
    return await shown(SessionCostSerializer, rows)


async def _set(case: Case) -> None:
    found = commanding.find("set-default-tariff")
    assert found is not None
    await case.usually(found, tariff=TARIFF)


@of("set-default-tariff")
class Setting(Subject):
    """Only an accepted tariff is wanted; a refused one is listed with its answer."""

    async def check(self, case: Case, row: Command) -> None:
        states = {State.ACCEPTED: [("accepted", True)], State.REJECTED: [("refused", False)]}
        equal(
            "the tariffs",
            fields_of(await _tariffs(case), "state", "isCurrent"),
            states.get(State(row.state), []),
        )

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        (one,) = [each for each in await _tariffs(case) if each["isCurrent"]]
        equal("the tariff", (one["state"], one["requestId"]), ("accepted", second.command_id))


@of("get-tariffs")
class Comparing(Subject):
    """Only an answer says what the station has."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await _set(case)
        return {}

    async def check(self, case: Case, row: Command) -> None:
        (mine, *_) = await _tariffs(case)
        is_said = row.state in (State.ACCEPTED, State.EMPTY) and bool(row.status)
        equal("whether the report counts", mine["checkedAt"] is not None, is_said)


@of("clear-tariffs")
class Clearing(Subject):
    """A tariff stays until the station has answered that it is gone."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await _set(case)
        return {}

    async def check(self, case: Case, row: Command) -> None:
        (mine,) = await _tariffs(case)
        if row.state not in (State.ACCEPTED, State.EMPTY, State.PARTIAL):
            equal("the tariff", mine["state"], "accepted")


class OfSession(Subject):
    """A command about a running session."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await case.station.device.start("CARD")
        row = await case.station.device.only_session()
        return {"transactionId": row.pk}


@of("update-cost")
class Costs(OfSession):
    """Only a cost that the station has taken was sent."""

    async def check(self, case: Case, row: Command) -> None:
        costs = [("4.2",)] if row.state == State.ACCEPTED else []
        equal("the costs", fields_of(await _costs(case), "sentCost"), costs)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the costs", fields_of(await _costs(case), "sentCost"), [("4.2",)])


@of("change-transaction-tariff")
class Changing(OfSession):
    """The tariff of a session with the answer of the station; the station has not reported the change."""

    async def check(self, case: Case, row: Command) -> None:
        found = [one["newTariff"] for one in await _costs(case)]
        if row.state not in (State.ACCEPTED, State.REJECTED):
            equal("the tariffs", found, [])
            return
        (one,) = found
        wanted = False if row.state == State.ACCEPTED and one["status"] == "Accepted" else None
        equal("whether it is in use", one["isInUse"], wanted)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        (one,) = [each["newTariff"] for each in await _costs(case)]
        equal("the tariff", (one["status"], one["isInUse"]), ("Accepted", False))
