"""Stations of the test site are in no sum, open no alert and fill no inbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import UnknownToken
from aggregates.models import ConnectorHour, ObservedConnector
from aggregates.services import following, outages
from chargepoints.models import ChargePoint, Site
from chargepoints.services import sites
from ocpp_server.domain import Conflict
from tests.unit.aggregates.stored import HOUR, NOON, count_all, session
from tests.unit.alerts.conftest import Watch, a_station, alerts, goes_offline, watch
from transactions.models import MonthlyEnergy
from transactions.services.authorization import unknown_tokens
from transactions.services.metering import months

__all__ = ["watch"]


@pytest.fixture
def sandbox_site(db: None) -> Site:
    return Site.objects.get(pk=sites.test_site())


def test_the_test_site_is_made_once_and_stays(sandbox_site: Site) -> None:
    assert (sandbox_site.name, sandbox_site.is_test) == ("Sandbox", True)
    assert sites.test_site() == sandbox_site.pk
    with pytest.raises(Conflict, match="test keys"):
        sites.delete(sandbox_site)


def test_a_real_site_with_its_name_stays_real(db: None) -> None:
    real = Site.objects.create(name="SANDBOX")

    made = Site.objects.get(pk=sites.test_site())

    assert (made.name, made.is_test) == ("Sandbox (test)", True)
    real.refresh_from_db()
    assert not real.is_test


def test_hours_and_months_leave_it_out(sandbox_site: Site) -> None:
    real = ChargePoint.objects.create(identity="CP-7")
    test = ChargePoint.objects.create(identity="TEST-1", site=sandbox_site)
    for one in (real, test):
        session(one, NOON, NOON + HOUR)

    following.mark_changed(NOON + 2 * HOUR)
    count_all(NOON + 2 * HOUR)
    months.sum_months(months.changed(), NOON + 2 * HOUR)

    assert set(ConnectorHour.objects.values_list("charge_point", flat=True)) == {real.pk}
    assert set(MonthlyEnergy.objects.values_list("charge_point", flat=True)) == {real.pk}


def test_later_changes_leave_it_out_too(sandbox_site: Site) -> None:
    months.MonthlyEnergyProgress.objects.create(summed_until=NOON)
    session(ChargePoint.objects.create(identity="TEST-1", site=sandbox_site), NOON, NOON + HOUR)

    assert months.changed() == []


def test_outages_leave_it_out(sandbox_site: Site) -> None:
    a_station("TEST-1", site=sandbox_site)
    real = a_station("CP-7")

    assert outages.due(NOON) == [real.pk]
    assert outages._stations({"TEST-1", "CP-7"}) == {"cp-7": real.pk}
    assert not ObservedConnector.objects.exists()


def test_alerts_leave_it_out(sandbox_site: Site, watch: Watch) -> None:  # noqa: F811
    gone = [a_station("CP-7"), *(a_station(f"TEST-{number}", site=sandbox_site) for number in range(4))]
    goes_offline(*gone)
    ChargePoint.objects.create(
        identity="TEST-9", site=sandbox_site, registration_status="Accepted", clock_skew_s=9000
    )
    watch.look()
    watch.after(400)
    watch.now += timedelta(days=30)
    watch.after(400)

    assert {one.station for one in alerts()} == {"CP-7"}


def test_the_inbox_of_unknown_tokens_leaves_it_out(sandbox_site: Site) -> None:
    ChargePoint.objects.create(identity="TEST-1", site=sandbox_site)

    unknown_tokens.note("CARD-1", "TEST-1", NOON)
    unknown_tokens.note("CARD-2", "CP-7", NOON)

    assert list(UnknownToken.objects.values_list("uid", flat=True)) == ["CARD-2"]
