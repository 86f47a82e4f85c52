"""GET /api/v1/transactions/monthly-energy."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from chargepoints.models import ChargePoint, Site
from tests.api.conftest import Caller
from transactions.models import MonthlyEnergy, MonthlyEnergyProgress

PATH = "/api/v1/transactions/monthly-energy"
AT = datetime(2026, 11, 29, 12, tzinfo=UTC)


def summed(identity: str, month: date, mwh: int, site: Site | None = None) -> None:
    station = ChargePoint.objects.create(identity=identity, identity_key=identity.casefold(), site=site)
    MonthlyEnergy.objects.create(
        charge_point=station, month=month, sessions=2, suspect_sessions=1, energy_mwh=mwh, summed_at=AT
    )


def test_the_energy_of_a_month_by_site(viewer: Caller) -> None:
    site = Site.objects.create(name="Depot")
    summed("CP-1", date(2026, 10, 1), 1_500, site)
    summed("CP-2", date(2026, 10, 1), 2_000)
    summed("CP-3", date(2026, 11, 1), 4_000)
    MonthlyEnergyProgress.objects.create(summed_until=AT)

    answer = viewer.get(f"{PATH}?month=2026-10")

    shared = {"stations": 1, "sessions": 2, "suspectSessions": 1}
    assert answer.status_code == 200
    assert answer.info == {
        "month": "2026-10",
        "summedUntil": "2026-11-29T12:00:00.000Z",
        "sessions": 4,
        "suspectSessions": 2,
        "energyWh": 3.5,
        "sites": [
            {"siteId": site.pk, "name": "Depot", "energyWh": 1.5, **shared},
            {"siteId": None, "name": None, "energyWh": 2, **shared},
        ],
    }


def test_the_present_month_without_a_sum_yet(viewer: Caller) -> None:
    data = viewer.get(PATH).info

    assert (data["month"], data["summedUntil"]) == (f"{timezone.localdate():%Y-%m}", None)
    assert (data["sessions"], data["energyWh"], data["sites"]) == (0, 0, [])


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "0000-01", "2026-1", "2026-11-01", "202611", "2026-W4", "x"]
)
def test_a_month_that_is_none(viewer: Caller, month: str) -> None:
    answer = viewer.get(f"{PATH}?month={month}")

    assert answer.status_code == 400
    assert answer.info["errors"] == [{"field": "month", "reason": "Must be a month such as 2026-11."}]
