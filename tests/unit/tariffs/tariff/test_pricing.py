"""The price of a session and the tariff of a driver, from functions that an operator names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from structlog.testing import capture_logs

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.versions import V21
from tariffs.live import COSTS
from tariffs.services.tariff.pricing import Pricer
from tests.unit.chargepoints.in_memory import NOON, a_station
from tests.unit.transactions.at_once import at_once, run_at_once
from tests.unit.transactions.transactions.live_station import running

TOKEN = IdToken("ALICE", "Central")
TARIFF = {"tariffId": "A", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.4}]}}


def with_session(**more: Any) -> Station:
    station = a_station(version=V21, **more)
    station.transactions[1000] = running(1000, ocpp_id="T1")
    return station


# -- the functions -------------------------------------------------------------------------------------------


def per_session(station: Station, transaction: Any) -> Decimal:
    assert (station.identity, transaction.id) == ("CP-1", 1000)
    return Decimal("1.5")


def without_a_price(station: Station, transaction: Any) -> None:
    return None


def broken(station: Station, argument: Any) -> Any:
    raise ZeroDivisionError


def of_alice(station: Station, token: IdToken) -> dict[str, Any] | None:
    assert station.identity == "CP-1"
    return {"validFrom": "2026-05-04T12:00:00Z", **TARIFF} if token == TOKEN else None


def without_a_currency(station: Station, token: IdToken) -> dict[str, Any]:
    return {"tariffId": "A"}


# -- the price -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ocpp_id", "cost", "logged"),
    [
        ("per_session", "T1", Decimal("1.5"), []),
        ("per_session", "T2", None, []),
        ("without_a_price", "T1", None, []),
        ("broken", "T1", None, ["price.failed"]),
        ("", "T1", None, []),
    ],
)
async def test_a_price_is_known_or_not(
    name: str, ocpp_id: str, cost: Decimal | None, logged: list[str]
) -> None:
    pricer = Pricer()
    pricer.load(f"{__name__}.{name}" if name else "")
    station = with_session()
    COSTS.of(station).tariffs_read_at = NOON  # it has no default tariff

    with capture_logs() as logs:
        assert await pricer.total_cost(station, ocpp_id) == cost

    assert [one.cost for one in COSTS.of(station).sent.values()] == ([cost] if cost else [])
    assert [line["event"] for line in logs] == logged


async def test_before_anything_is_loaded_nothing_has_a_price() -> None:
    pricer = Pricer()

    with capture_logs() as logs:
        assert await pricer.total_cost(with_session(), "T1") is None
        assert await pricer.driver_tariff(with_session(), TOKEN) is None

    assert logs == []


# -- the tariff of a driver ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "token", "logged"),
    [
        ("of_alice", IdToken("BOB", "Central"), []),
        ("without_a_currency", TOKEN, ["driver_tariff.failed"]),
        ("broken", TOKEN, ["driver_tariff.failed"]),
        ("", TOKEN, []),
    ],
)
async def test_a_driver_without_a_tariff_that_ocpp_allows_gets_none(
    name: str, token: IdToken, logged: list[str]
) -> None:
    pricer = Pricer()
    pricer.load("", f"{__name__}.{name}" if name else "")

    with capture_logs() as logs:
        assert await pricer.driver_tariff(with_session(), token) is None

    assert [line["event"] for line in logs] == logged


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reported", "tariff"),
    [
        ({}, TARIFF),
        ({"TariffCostCtrlr.Enabled[Tariff]": "true"}, TARIFF),
        ({"TariffCostCtrlr.Enabled[Tariff]": " False "}, None),
        ({"TariffCostCtrlr.Enabled[Cost]": "false"}, TARIFF),
    ],
)
@at_once
async def test_the_tariff_of_a_driver_is_sent_where_the_station_has_tariffs(
    monkeypatch: pytest.MonkeyPatch, reported: dict[str, str], tariff: dict[str, Any] | None
) -> None:
    run_at_once(monkeypatch)
    row = ChargePoint.objects.create(identity="CP-1")
    for key, value in reported.items():
        ReportedKey.objects.create(charge_point=row, key=key, value=value, reported_at=NOON)
    pricer = Pricer()
    pricer.load("", f"{__name__}.of_alice")

    # I08.FR.09: without validFrom.
    assert await pricer.driver_tariff(with_session(pk=row.pk), TOKEN) == tariff


# -- the import ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "nowhere.total",
            "nowhere.total can't be imported (ModuleNotFoundError: No module named 'nowhere').",
        ),
        (f"{__name__}.missing", f"{__name__}.missing can't be imported (ImportError: Module "),
        ("total", "total can't be imported (ImportError: total "),
        (f"{__name__}.TOKEN", f"{__name__}.TOKEN is no function."),
    ],
)
def test_only_functions_that_can_be_imported_are_taken(path: str, problem: str) -> None:
    for setting, paths in (("OCPP_PRICE", [path]), ("OCPP_DRIVER_TARIFF", ["", path])):
        with pytest.raises(ImproperlyConfigured) as refused:
            Pricer().load(*paths)
        assert str(refused.value).startswith(f"{setting}: {problem}")
