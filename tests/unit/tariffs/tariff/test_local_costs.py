"""Stations that calculate costs themselves: what they have reported of a session, and their tariffs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, V21, V201
from tariffs.live import COSTS
from tariffs.models import StationTariff
from tariffs.services.tariff import local_costs
from tests.unit.chargepoints.in_memory import NOON, a_station
from tests.unit.transactions.transactions.live_station import running

LATER, EARLIER = NOON + timedelta(hours=1), NOON - timedelta(hours=1)


def with_tariffs(*tariffs: tuple[int, datetime | None], version: str = V21) -> Station:
    station = a_station(version=version)
    COSTS.of(station).tariffs, COSTS.of(station).tariffs_read_at = tariffs, NOON
    return station


@pytest.mark.parametrize(
    ("tariffs", "session", "applies"),
    [
        ((), {}, False),
        ((), {"counts_cost": True}, True),
        ((), {"counts_cost": True, "is_active": False}, True),
        (((0, None),), {}, True),
        (((0, None),), {"is_active": False}, False),
        (((1, None),), {}, True),
        (((2, None),), {}, False),
        (((2, None),), {"evse": None}, True),
        (((0, LATER),), {}, False),
        (((0, LATER), (1, EARLIER)), {}, True),
    ],
)
async def test_a_session_that_the_station_prices(
    tariffs: tuple[tuple[int, datetime | None], ...], session: dict[str, Any], applies: bool
) -> None:
    assert await local_costs.applies(with_tariffs(*tariffs), running(**session), NOON) is applies


@pytest.mark.parametrize("version", [V16, V201])
async def test_older_versions_calculate_nothing(version: str) -> None:
    station = with_tariffs((0, None), version=version)

    assert await local_costs.applies(station, running(), NOON) is False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reported", "found"),
    [
        ({}, ((0, None), (2, NOON), (3, NOON))),
        ({"TariffCostCtrlr.Enabled[Cost]": "true"}, ((0, None), (2, NOON), (3, NOON))),
        ({"TariffCostCtrlr.Enabled[Cost]": "False"}, ()),
        ({"TariffCostCtrlr.Enabled[Tariff]": "false"}, ()),
    ],
)
def test_the_default_tariffs_that_the_station_has(
    reported: dict[str, str], found: tuple[tuple[int, datetime | None], ...]
) -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    for key, value in reported.items():
        ReportedKey.objects.create(charge_point=station, key=key, value=value, reported_at=NOON)
    for name, evse, more in (
        ("A", 0, {"state": "accepted"}),
        ("B", 0, {"state": "foreign", "evse_numbers": [2, 3], "valid_from": NOON}),
        ("C", 4, {"state": "missing"}),
        ("D", 5, {"state": "cleared", "ended_at": NOON}),
    ):
        StationTariff.objects.create(
            charge_point=station, tariff_id=name, evse_number=evse, set_at=NOON, **more
        )

    assert sorted(local_costs._default_tariffs(station.pk), key=str) == list(found)


async def test_tariffs_are_read_again_after_an_answer_and_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []

    async def run(function: Any, pk: int) -> tuple[tuple[int, None], ...]:
        assert function is local_costs._default_tariffs
        reads.append(pk)
        return ((0, None),) if len(reads) == 2 else ()

    monkeypatch.setattr("tariffs.services.tariff.local_costs.journal.run", run)
    station = a_station(version=V21)
    seconds = (0, 59, 60)

    found = [
        await local_costs.applies(station, running(), NOON + timedelta(seconds=after)) for after in seconds
    ]
    local_costs._forget(station)
    found.append(await local_costs.applies(station, running(), NOON))

    assert (found, reads) == ([False, False, True, False], [station.pk] * 3)
