"""Default tariffs are kept for a while after their end; costs of running sessions are sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from docs.examples import price_per_kwh
from ocpp_server.domain import StationOffline
from ocpp_server.protocol.versions import V201
from tariffs import jobs
from tariffs.live import COSTS, SentCost
from tariffs.models import StationTariff
from tariffs.services.tariff import running as running_costs
from tests.unit.chargepoints.in_memory import a_station
from tests.unit.transactions.transactions.live_station import running


@pytest.mark.django_db
def test_tariffs_are_deleted_long_after_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    station = ChargePoint.objects.create(identity="CP-1")
    for days in (0, 399, 401, 402):
        StationTariff.objects.create(
            charge_point=station,
            tariff_id=str(days),
            evse_number=0,
            set_at=now - timedelta(days=500),
            state="cleared" if days else "accepted",
            ended_at=now - timedelta(days=days) if days else None,
        )

    def kept() -> set[str]:
        return set(StationTariff.objects.values_list("tariff_id", flat=True))

    monkeypatch.setattr(jobs, "DELETE_AT_ONCE", 1)
    jobs.delete_ended()
    assert kept() == {"0", "399", "401"}
    jobs.delete_ended()
    jobs.delete_ended()
    assert kept() == {"0", "399"}


# -- running costs -------------------------------------------------------------------------------------------


class Served:
    """A connection of this process with a running session of 1 kWh."""

    def __init__(self, number: int, **more: Any) -> None:
        self.station = a_station(version=V201, registration_status="Accepted", pk=number, **more)
        self.station.transactions[number] = transaction = running(number, ocpp_id=f"T{number}")
        transaction.energy_mwh = 1_000_000
        COSTS.of(self.station).sent[number] = SentCost(None, datetime.now(UTC) - timedelta(hours=1))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """(station, action, payload) of each call; station 2 has gone."""
    settings.OCPP_COST_INTERVAL = 60
    found: list[tuple[int, str, dict[str, Any]]] = []

    async def call(charge_point: int, action: str, payload: dict[str, Any], **how: Any) -> None:
        if charge_point == 2:
            raise StationOffline("CP-2 is known but offline.")
        assert how == {"actor": "server", "wait": False}
        found.append((charge_point, action, payload))

    async def run(function: Any, pk: int, since: datetime) -> int | None:
        assert function is running_costs.receiver
        return None if pk == 3 else pk

    monkeypatch.setattr(jobs.calls, "call", call)
    monkeypatch.setattr(jobs.journal, "run", run)
    monkeypatch.setattr(jobs.pricer, "_pricing", price_per_kwh.total)
    return found


async def test_changed_costs_are_sent_to_the_stations_that_take_them(
    monkeypatch: pytest.MonkeyPatch, sent: list[tuple[int, str, dict[str, Any]]]
) -> None:
    served = [Served(number) for number in range(1, 6)]
    served[3].station.transactions[4].counts_cost = True
    monkeypatch.setattr(jobs.switchboard, "served", lambda: served)

    await jobs.send_costs()
    await jobs.send_costs()

    assert sent == [
        (number, "CostUpdated", {"totalCost": 0.42, "transactionId": f"T{number}"}) for number in (1, 5)
    ]
    costs = [COSTS.of(one.station).sent[number].cost for number, one in enumerate(served, 1)]
    assert costs == [Decimal("0.42"), None, None, None, Decimal("0.42")]


async def test_a_run_sends_a_limited_number_of_costs_and_the_next_one_continues(
    monkeypatch: pytest.MonkeyPatch, sent: list[tuple[int, str, dict[str, Any]]]
) -> None:
    served = [Served(number) for number in (4, 5, 6)]
    monkeypatch.setattr(jobs.switchboard, "served", lambda: served)
    monkeypatch.setattr(jobs, "MOST_AT_ONCE", 2)

    await jobs.send_costs()
    assert [number for number, _, _ in sent] == [4, 5]
    await jobs.send_costs()
    assert [number for number, _, _ in sent] == [4, 5, 6]


@pytest.mark.parametrize(
    ("price", "interval", "is_scheduled", "seconds"),
    [("a.b", 60, True, 5.0), ("a.b", 4, True, 1.0), ("a.b", 0, False, 0.2), ("", 60, False, 5.0)],
)
def test_costs_are_sent_only_where_a_price_is_known(
    settings: Any, price: str, interval: int, is_scheduled: bool, seconds: float
) -> None:
    settings.OCPP_PRICE, settings.OCPP_COST_INTERVAL = price, interval

    assert (jobs.SEND_COSTS.when(), jobs.SEND_COSTS.seconds) == (is_scheduled, seconds)
