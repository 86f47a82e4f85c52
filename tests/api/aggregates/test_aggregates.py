"""Aggregates over REST: periods in the zone of the site, and the sums of connectors, stations and sites."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Contract, Token
from aggregates.models import ConnectorHour, ContractHour, ObservedConnector, Outage
from chargepoints.models import ChargePoint, Evse, Site
from tests.api.conftest import Caller
from tests.unit.aggregates.stored import HOUR, recount, session

V1 = "/api/v1/aggregates"
OCTOBER = "from=2026-10-24&to=2026-10-26"
# The midnights of Vienna: the 25th has 25 hours.
MIDNIGHTS = [f"2026-10-{day}T{hour}:00:00.000Z" for day, hour in ((23, 22), (24, 22), (25, 23), (26, 23))]


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


@pytest.fixture
def vienna(garage: ChargePoint) -> Site:
    site = Site.objects.create(name="Vienna", time_zone="Europe/Vienna")
    ChargePoint.objects.filter(pk=garage.pk).update(site=site)
    garage.refresh_from_db()
    return site


@pytest.fixture
def counted(garage: ChargePoint, vienna: Site) -> Contract:
    """A session of three hours around the end of the 25th, and an outage of the same connector."""
    contract = Contract.objects.create(contract_id="C-9", name="Nine")
    token = Token.objects.create(uid="NINE", contract=contract)
    ObservedConnector.objects.create(charge_point=garage, evse_number=1, connector_number=1, since=at(24, 0))
    hours = {str(int(at(25, hour).timestamp())): 1000.0 for hour in (21, 22, 23)}
    session(garage, at(25, 21), at(25, 21) + 3 * HOUR, 3000, energy_by_hour=hours, token=token)
    Outage.objects.create(
        charge_point=garage, evse_number=1, connector_number=1, cause="faulted",
        began_at=at(25, 0), ended_at=at(25, 5),
    )  # fmt: skip
    recount(garage, at(27, 12))
    return contract


def periods(row: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in row["periods"]]


@pytest.mark.usefixtures("counted")
def test_days_are_those_of_the_site_with_25_hours(viewer: Caller, vienna: Site) -> None:
    (row,) = viewer.get(f"{V1}/sites?{OCTOBER}&siteId={vienna.pk}").info["sites"]

    assert (row["name"], row["timeZone"]) == ("Vienna", "Europe/Vienna")
    assert periods(row, "from", "until") == list(zip(MIDNIGHTS, MIDNIGHTS[1:], strict=False))
    assert periods(row, "energyWh", "sessions", "occupiedS", "knownS", "downS") == [
        (0, 0, 0, 22 * 3600, 0),
        (2000, 1, 7200, 25 * 3600, 5 * 3600),
        (1000, 0, 3600, 24 * 3600, 0),
    ]
    day = row["periods"][1]
    assert (day["uptime"], day["utilisation"]) == (0.8, 0.08)
    assert (row["total"]["energyWh"], row["total"]["knownS"]) == (3000, 71 * 3600)


@pytest.mark.parametrize("kind", ["sites", "stations", "connectors", "contracts"])
@pytest.mark.parametrize("unit", ["hour", "day", "month"])
def test_every_kind_and_unit_has_the_same_sum(
    viewer: Caller, counted: Contract, kind: str, unit: str
) -> None:
    rows = viewer.get(f"{V1}/{kind}?{OCTOBER}&unit={unit}").info[kind]

    (row,) = [one for one in rows if one["total"]["sessions"]]
    assert sum(one["energyWh"] for one in row["periods"]) == row["total"]["energyWh"] == 3000
    assert (row["total"]["sessions"], row["total"]["occupiedS"]) == (1, 10_800)


@pytest.mark.usefixtures("counted")
def test_an_hour_has_its_own_sums(viewer: Caller, garage: ChargePoint) -> None:
    path = f"{V1}/connectors?clientId=garage%201&unit=hour&from=2026-10-26&to=2026-10-26"

    (row,) = viewer.get(path).info["connectors"]

    assert (row["clientId"], row["evseId"], row["connectorId"]) == ("GARAGE 1", 1, 1)
    assert len(row["periods"]) == 24
    assert (row["periods"][0]["from"], row["periods"][0]["energyWh"]) == (MIDNIGHTS[2], 1000)


def test_a_contract_is_found_by_its_id_and_has_no_uptime(viewer: Caller, counted: Contract) -> None:
    (row,) = viewer.get(f"{V1}/contracts?contractId=C-9&unit=month&{OCTOBER}").info["contracts"]

    assert (row["contractId"], row["timeZone"]) == ("C-9", str(timezone.get_default_timezone()))
    assert "uptime" not in row["total"]


def test_a_place_without_hours_has_zeros_and_no_uptime(viewer: Caller, garage: ChargePoint) -> None:
    (row,) = viewer.get(f"{V1}/stations?clientId=GARAGE%201&{OCTOBER}").info["stations"]

    assert {**row["total"], "from": 0, "until": 0} == {
        "from": 0, "until": 0, "energyWh": 0, "sessions": 0, "occupiedS": 0, "knownS": 0, "downS": 0,
        "excludedS": 0, "utilisation": None, "uptime": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-10-02&to=2026-10-01", "to"),
        ("unit=week", "unit"),
        ("from=yesterday", "from"),
        ("from=1999-12-31", "from"),
        ("unit=hour&from=2026-01-01&to=2026-03-01", "from"),
        ("from=2024-01-01&to=2026-03-01", "from"),
        ("limit=200&from=2026-01-01&to=2026-12-31", "limit"),
    ],
)
def test_a_bad_period_is_400_with_its_field(viewer: Caller, query: str, field: str) -> None:
    response = viewer.get(f"{V1}/stations?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


# -- uptime --------------------------------------------------------------------------------------------------


def test_the_uptime_of_twelve_months_as_nevi_and_afir_count_it(viewer: Caller, garage: ChargePoint) -> None:
    Evse.objects.filter(charge_point=garage).delete()
    Evse.objects.create(charge_point=garage, number=1)
    known = ObservedConnector.objects.create(
        charge_point=garage, evse_number=1, connector_number=1, since=datetime(2024, 1, 1, tzinfo=UTC)
    )
    for day, excluded in ((1, 0), (2, 1800)):
        ConnectorHour.objects.create(
            charge_point=garage, evse_number=1, connector_number=1,
            hour=datetime(2025, 9, day, 5, tzinfo=UTC),
            down_s=3600, evse_down_s=3600, excluded_s=excluded, evse_excluded_s=excluded,
        )  # fmt: skip

    (row,) = viewer.get(f"{V1}/uptime?clientId=GARAGE%201&month=2025-12").info["evses"]

    assert (row["from"][:7], row["evseId"], row["isWhole"]) == ("2025-01", 1, True)
    assert [row[f"{name}Minutes"] for name in ("known", "outage", "excluded")] == [525_600, 120, 30]
    assert row["neviUptimePercent"] == round((525_600 - 90) / 525_600 * 100, 4)
    assert row["afirOperationalPercent"] == round((525_600 - 120) / 525_600 * 100, 4)

    known.since = datetime(2025, 12, 31, 23, tzinfo=UTC)
    known.save()
    (row,) = viewer.get(f"{V1}/uptime?clientId=GARAGE%201&month=2025-12").info["evses"]
    assert (row["isWhole"], row["knownMinutes"]) == (False, 60)
    known.delete()
    (row,) = viewer.get(f"{V1}/uptime?clientId=GARAGE%201&month=2025-12").info["evses"]
    assert (row["neviUptimePercent"], row["afirOperationalPercent"]) == (None, None)


@pytest.mark.parametrize("month", ["2026", "2026-13", "1800-01", "x"])
def test_a_bad_month_is_400(viewer: Caller, month: str) -> None:
    assert viewer.get(f"{V1}/uptime?month={month}").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 1),
        ("clientId=GARAGE%201", 1),
        ("isOpen=true", 0),
        ("cause=faulted&evseId=1", 1),
        ("from=2026-10-26", 0),
    ],
)
@pytest.mark.usefixtures("counted")
def test_outages_are_listed(viewer: Caller, query: str, found: int) -> None:
    assert viewer.get(f"/api/v1/outages?{query}").info["count"] == found


def test_hours_go_with_their_station_and_contract(garage: ChargePoint, counted: Contract) -> None:
    assert ContractHour.objects.count() == 3
    counted.tokens.update(contract=None)

    counted.delete()

    assert not ContractHour.objects.exists()
