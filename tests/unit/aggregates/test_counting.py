"""The hours of connectors and contracts follow from sessions, outages and windows, however often counted."""

from __future__ import annotations

import pytest

from accounts.models import Contract, Token
from aggregates.models import (
    ConnectorHour,
    ContractHour,
    MaintenanceWindow,
    ObservedConnector,
    Outage,
    Progress,
    Recount,
)
from aggregates.services import following, maintenance
from aggregates.services.marks import mark
from chargepoints.models import ChargePoint, Site
from tests.unit.aggregates.stored import HOUR, MINUTE, NOON, by_hour, count_all, hours, recount, session
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def test_a_session_is_in_the_hours_of_its_consumption(station: ChargePoint) -> None:
    session(
        station, NOON + 50 * MINUTE, NOON + 130 * MINUTE, 900.5, energy_by_hour=by_hour(h12=100.5, h13=800)
    )

    recount(station)

    assert hours("energy_mwh", "sessions", "occupied_s") == [
        (12, 100_500, 1, 600), (13, 800_000, 0, 3600), (14, 0, 0, 600)
    ]  # fmt: skip


def test_counting_again_changes_no_row(station: ChargePoint) -> None:
    session(station, NOON, NOON + HOUR)
    recount(station)
    before = list(ConnectorHour.objects.values())

    recount(station)

    assert list(ConnectorHour.objects.values()) == before


def test_a_session_that_is_amended_is_counted_again_and_its_old_hours_are_gone(station: ChargePoint) -> None:
    found = session(station, NOON, NOON + 3 * HOUR, 900, energy_by_hour=by_hour(h12=300, h13=300, h14=300))
    recount(station)

    Transaction.objects.filter(pk=found.pk).update(
        evse_number=2, stopped_at=NOON + HOUR, energy_wh=200, energy_by_hour=by_hour(h12=200)
    )
    recount(station)

    rows = ConnectorHour.objects.values_list("evse_number", "energy_mwh", "sessions", "occupied_s")
    assert list(rows) == [(2, 200_000, 1, 3600)]


def test_two_sessions_of_a_connector_at_once_occupy_it_once(station: ChargePoint) -> None:
    session(station, NOON, NOON + 30 * MINUTE)
    session(station, NOON + 20 * MINUTE, NOON + 40 * MINUTE)

    recount(station)

    assert hours("energy_mwh", "sessions", "occupied_s") == [(12, 2_000_000, 2, 2400)]


def test_a_session_that_is_joined_to_another_and_the_charging_of_a_battery_are_none(
    station: ChargePoint,
) -> None:
    whole = session(station, NOON, NOON + HOUR)
    session(station, NOON, NOON + HOUR, 0, merged_into=whole)
    session(station, NOON, NOON + HOUR, charges_battery=True)

    recount(station)

    assert hours("energy_mwh", "sessions") == [(12, 1_000_000, 1)]


def test_a_running_session_occupies_its_connector_until_now(station: ChargePoint) -> None:
    session(station, NOON, None, 500, last_message_at=NOON + 5 * MINUTE, energy_by_hour=by_hour(h12=500))

    recount(station, NOON + 70 * MINUTE)

    assert hours("energy_mwh", "occupied_s") == [(12, 500_000, 3600), (13, 0, 600)]


def test_a_session_without_a_connector_has_number_0_or_the_first_of_its_evse(station: ChargePoint) -> None:
    session(station, NOON, NOON + HOUR, evse_number=None, connector_number=None)
    session(station, NOON, NOON + HOUR, evse_number=3, connector_number=None)

    recount(station)

    assert hours("evse_number", "connector_number") == [(12, 0, 0), (12, 3, 1)]


@pytest.mark.parametrize("days", [-20_000, 3_000])
def test_a_start_of_a_wrong_clock_is_in_the_time_of_the_messages(station: ChargePoint, days: int) -> None:
    session(station, NOON + days * 24 * HOUR, NOON + HOUR, 1000, last_message_at=NOON + HOUR)

    recount(station)

    rows = list(ConnectorHour.objects.values_list("hour", "energy_mwh"))
    assert sum(mwh for _, mwh in rows) == 1_000_000
    assert all(NOON - 32 * 24 * HOUR <= hour <= NOON + HOUR for hour, _ in rows)


def test_a_long_time_is_counted_in_steps(station: ChargePoint) -> None:
    for days in (0, 40, 100):
        session(station, NOON - days * 24 * HOUR, NOON - days * 24 * HOUR + HOUR)

    assert recount(station) > 2

    assert ConnectorHour.objects.count() == 3


def test_a_contract_has_the_sessions_of_its_tokens(station: ChargePoint) -> None:
    contract = Contract.objects.create(contract_id="C-1")
    token = Token.objects.create(uid="CARD-1", contract=contract)
    session(station, NOON, NOON + HOUR, token=token)
    session(station, NOON, NOON + 30 * MINUTE, token=token, evse_number=2)
    session(station, NOON, NOON + HOUR)

    recount(station)

    (row,) = ContractHour.objects.all()
    assert (row.contract, row.energy_mwh, row.sessions, row.occupied_s) == (contract, 2_000_000, 2, 5400)


# -- outages and windows -------------------------------------------------------------------------------------


@pytest.fixture
def observed(station: ChargePoint) -> None:
    for evse in (1, 2):
        ObservedConnector.objects.create(
            charge_point=station, evse_number=evse, connector_number=1, since=NOON - 2 * HOUR
        )


def outage(
    station: ChargePoint, begin: int, end: int | None, cause: str = "offline", evse: int = 0
) -> Outage:
    """An outage between two minutes after noon."""
    return Outage.objects.create(
        charge_point=station,
        evse_number=evse,
        connector_number=min(evse, 1),
        cause=cause,
        began_at=NOON + begin * MINUTE,
        ended_at=None if end is None else NOON + end * MINUTE,
    )


@pytest.mark.usefixtures("observed")
def test_an_outage_counts_at_every_connector_from_the_time_that_it_is_known(station: ChargePoint) -> None:
    ObservedConnector.objects.filter(evse_number=2).update(since=NOON + 10 * MINUTE)
    outage(station, -10, 30)

    recount(station)

    assert hours("evse_number", "down_s") == [(11, 1, 600), (12, 1, 1800), (12, 2, 1200)]


@pytest.mark.usefixtures("observed")
def test_an_outage_that_lasts_counts_until_now(station: ChargePoint) -> None:
    outage(station, 30, None, "faulted", evse=2)

    recount(station, NOON + 80 * MINUTE)

    assert hours("evse_number", "down_s", "excluded_s") == [(12, 2, 1800, 0), (13, 2, 1200, 0)]


@pytest.mark.usefixtures("observed")
def test_a_window_excludes_its_part_of_an_outage_until_it_is_deleted(station: ChargePoint) -> None:
    outage(station, 0, 60, "faulted", evse=1)
    times = {"begins_at": NOON - HOUR, "ends_at": NOON + 20 * MINUTE}
    window = maintenance.add(charge_point=station, author="ann", **times)
    count_all(NOON + HOUR)
    assert hours("down_s", "excluded_s") == [(12, 3600, 1200)]

    maintenance.change(window, ends_at=NOON + 30 * MINUTE)
    count_all(NOON + HOUR)
    assert hours("down_s", "excluded_s") == [(12, 3600, 1800)]

    maintenance.delete(window)
    count_all(NOON + HOUR)
    assert hours("down_s", "excluded_s") == [(12, 3600, 0)]


@pytest.mark.usefixtures("observed")
def test_a_window_of_the_site_counts_too_and_overlapping_windows_once(station: ChargePoint) -> None:
    station.site = Site.objects.create(name="Yard")
    station.save()
    outage(station, 0, 60, "faulted", evse=1)
    for place in ({"site": station.site}, {"charge_point": station}):
        maintenance.add(author="ann", begins_at=NOON, ends_at=NOON + 20 * MINUTE, **place)

    count_all(NOON + HOUR)

    assert hours("down_s", "excluded_s") == [(12, 3600, 1200)]


def test_a_window_of_the_future_marks_no_station(station: ChargePoint) -> None:
    year = 365 * 24 * HOUR
    times = {"begins_at": NOON + 100 * year, "ends_at": NOON + 101 * year}

    maintenance.add(charge_point=station, author="ann", **times)

    assert MaintenanceWindow.objects.exists() and not Recount.objects.exists()


# -- marks ---------------------------------------------------------------------------------------------------


def marks() -> dict[str, str]:
    rows = Recount.objects.select_related("charge_point")
    return {row.charge_point.identity: f"{row.since:%m-%d %H:%M}" for row in rows}


def test_the_earlier_mark_of_a_station_stays(station: ChargePoint) -> None:
    for at in (NOON, NOON + HOUR, NOON - HOUR, NOON):
        mark({station.pk: at})

    assert marks() == {"CP-1": "11-12 11:00"}


def test_the_first_run_marks_every_station_and_the_next_one_those_with_changed_sessions(
    station: ChargePoint,
) -> None:
    ChargePoint.objects.create(identity="CP-2")
    following.mark_changed(NOON)
    assert marks() == {"CP-1": "01-01 00:00", "CP-2": "01-01 00:00"}
    assert following.counted_until() is not None
    Recount.objects.all().delete()

    session(station, NOON - HOUR, NOON, updated_at=NOON + MINUTE)
    session(station, NOON - 30 * HOUR, NOON, updated_at=NOON - HOUR)
    following.mark_changed(NOON + HOUR)

    assert marks() == {"CP-1": "11-12 11:00"}
    assert Progress.objects.get().sessions_until == NOON + HOUR


def test_running_sessions_and_lasting_outages_are_marked_every_quarter_of_an_hour(
    station: ChargePoint,
) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    session(station, NOON - HOUR, None)
    outage(other, 0, None)

    following.mark_running(NOON)
    assert marks() == {"CP-1": "11-12 11:00", "CP-2": "11-12 11:00"}
    Recount.objects.all().delete()
    following.mark_running(NOON + 14 * MINUTE)
    assert marks() == {}
    following.mark_running(NOON + 5 * HOUR)
    assert marks() == {"CP-1": "11-12 11:00", "CP-2": "11-12 11:00"}
