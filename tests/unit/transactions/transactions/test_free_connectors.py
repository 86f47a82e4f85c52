"""Field notes 4: a status never ends a transaction; after a grace period it makes the transaction suspect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.records import ConnectorState, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol.versions import V16
from tests.direct.accounts import a_token
from tests.direct.station import DirectStation
from tests.unit.transactions.transactions.live_station import NOON, minutes, running, with_transactions
from transactions.services.transactions import free_connectors
from transactions.services.transactions.suspicion import suspect


@pytest.fixture
def charging() -> Station:
    station = Station(pk=1, identity="CP-1", version="ocpp1.6")
    station.connectors[1, 1] = ConnectorState(pk=1, evse=1, number=1, status="Charging", reported_at=NOON)
    station.transactions[1000] = TransactionState(
        id=1000, ocpp_id="1000", station="CP-1", evse=1, connector=1, started_at=NOON, last_message_at=NOON
    )
    return station


def test_a_connector_that_charges_makes_nothing_suspect(charging: Station) -> None:
    found = free_connectors.overdue(charging, NOON + timedelta(hours=5))

    assert found == []


def test_available_within_the_grace_may_still_be_followed_by_the_stop(charging: Station) -> None:
    charging.connectors[1, 1].status = "Available"
    charging.connectors[1, 1].reported_at = NOON + timedelta(minutes=30)

    found = free_connectors.overdue(charging, NOON + timedelta(minutes=39))

    assert found == []


def test_available_for_longer_is_found_once_and_ends_nothing(charging: Station) -> None:
    charging.connectors[1, 1].status = "Available"
    charging.connectors[1, 1].reported_at = NOON + timedelta(minutes=30)

    first = free_connectors.overdue(charging, NOON + timedelta(minutes=41))
    suspect(first[0], "connector-available")
    again = free_connectors.overdue(charging, NOON + timedelta(minutes=42))

    assert [t.id for t in first] == [1000]
    assert again == []
    assert charging.transactions[1000].is_active


def test_a_status_from_before_the_start_makes_nothing_suspect(charging: Station) -> None:
    charging.connectors[1, 1].status = "Available"
    charging.connectors[1, 1].reported_at = NOON - timedelta(minutes=1)

    found = free_connectors.overdue(charging, NOON + timedelta(hours=1))

    assert found == []


def test_with_an_unknown_connector_every_connector_of_the_evse_must_be_free(charging: Station) -> None:
    charging.transactions[1000].connector = None
    charging.connectors[1, 1].status = "Available"
    charging.connectors[1, 1].reported_at = NOON + timedelta(minutes=30)
    charging.connectors[1, 2] = ConnectorState(pk=2, evse=1, number=2, status="Occupied", reported_at=NOON)
    later = NOON + timedelta(hours=2)

    busy = free_connectors.overdue(charging, later)
    charging.connectors[1, 2].status = "Available"

    assert busy == []
    assert [t.id for t in free_connectors.overdue(charging, later)] == [1000]


# -- several sessions ----------------------------------------------------------------------------------------


def with_free_connectors(*transactions: TransactionState, since: datetime = NOON) -> Station:
    """The transaction on each EVSE; their connectors are free."""
    station = with_transactions(*transactions)
    for number, one in enumerate(transactions, 1):
        one.evse = number
        station.connectors[number, 1] = ConnectorState(
            pk=number, evse=number, number=1, status="Available", reported_at=since
        )
    return station


@pytest.mark.parametrize(("waited", "is_found"), [(10, False), (10 + 1 / 60, True)])
def test_a_connector_must_be_free_for_longer_than_the_grace(waited: float, is_found: bool) -> None:
    station = with_free_connectors(running(), since=minutes(30))

    assert bool(free_connectors.overdue(station, minutes(30 + waited))) is is_found
    station.transactions[1000].last_message_at = minutes(40)
    assert not free_connectors.overdue(station, minutes(30 + waited))


@pytest.mark.parametrize(("since", "is_found"), [(0, False), (1 / 60, True)])
def test_a_connector_must_have_become_free_after_the_start(since: float, is_found: bool) -> None:
    station = with_free_connectors(running(), since=minutes(since))

    assert bool(free_connectors.overdue(station, minutes(60))) is is_found


def test_each_of_several_overdue_transactions_is_found() -> None:
    station = with_free_connectors(
        running(1000, is_active=False),
        running(1001, suspect_reasons=["connector-available"]),
        running(1002, started_at=minutes(40)),
        running(1003),
        running(1004),
        since=minutes(30),
    )
    station.connectors[4, 1].status = "Charging"

    assert [one.id for one in free_connectors.overdue(station, minutes(60))] == [1004]


@pytest.mark.django_db(transaction=True)
async def test_an_overdue_session_becomes_suspect_and_no_longer_counts_for_its_token(
    station: Any, run_orm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    charger: DirectStation = await station(V16)
    await run_orm(a_token)
    started = await charger.start("CARD", at=datetime.now(UTC) - timedelta(minutes=40))
    await charger.status("Available")
    transaction = charger.live(started)
    assert transaction is not None
    transaction.last_message_at -= timedelta(minutes=20)
    charger.station.connectors[1, 1].reported_at = datetime.now(UTC) - timedelta(minutes=20)
    published: list[list[str]] = []
    monkeypatch.setattr(
        type(live.state()),
        "station_changed",
        lambda _, one: published.append(
            [each for t in one.transactions.values() for each in t.suspect_reasons]
        ),
    )
    before = datetime.now(UTC)

    await free_connectors.mark_suspect(charger.station, UnitOfWork(charger.station))

    row = await charger.session(started)
    assert (row.status, row.suspect, row.updated_at >= before) == ("active", True, True)
    assert row.suspect_reasons == transaction.suspect_reasons == published[-1]
    assert row.suspect_reasons[-1] == "connector-available"


# -- refused sessions ----------------------------------------------------------------------------------------


def refused(number: int, energy_mwh: int = 0, **more: Any) -> TransactionState:
    transaction = running(number, **({"authorization_status": "Blocked"} | more))
    transaction.energy_mwh = energy_mwh
    return transaction


def test_every_refused_session_without_energy_at_a_free_connector_ends() -> None:
    station = with_free_connectors(
        refused(1000, is_active=False),
        refused(1001, authorization_status="Accepted"),
        refused(1002, energy_mwh=1),
        refused(1003),
        refused(1004),
        refused(1005),
    )
    station.connectors[4, 1].status = "Charging"

    free_connectors.end_refused(station)

    ended = {one.id: one.ended_by for one in station.transactions.values() if one.ended_by}
    assert ended == {1004: "refused", 1005: "refused"}
    assert station.transactions[1004].stopped_at == minutes(60)


def test_a_refused_session_does_not_end_before_its_start() -> None:
    station = with_free_connectors(refused(1000, started_at=minutes(90)))

    free_connectors.end_refused(station)

    assert station.transactions[1000].stopped_at == minutes(90)
