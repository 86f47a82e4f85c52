"""Field notes 4: a status never ends a transaction; after a grace period it makes the transaction suspect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.live.records import ConnectorState, TransactionState
from ocpp_server.live.station import Station
from transactions.services.transactions import free_connectors
from transactions.services.transactions.suspicion import suspect

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def station() -> Station:
    station = Station(pk=1, identity="CP-1", version="ocpp1.6")
    station.connectors[1, 1] = ConnectorState(pk=1, evse=1, number=1, status="Charging", reported_at=NOON)
    station.transactions[1000] = TransactionState(
        id=1000, ocpp_id="1000", station="CP-1", evse=1, connector=1, started_at=NOON, last_message_at=NOON
    )
    return station


def test_a_connector_that_charges_makes_nothing_suspect(station: Station) -> None:
    found = free_connectors.overdue(station, NOON + timedelta(hours=5))

    assert found == []


def test_available_within_the_grace_may_still_be_followed_by_the_stop(station: Station) -> None:
    station.connectors[1, 1].status = "Available"
    station.connectors[1, 1].reported_at = NOON + timedelta(minutes=30)

    found = free_connectors.overdue(station, NOON + timedelta(minutes=39))

    assert found == []


def test_available_for_longer_is_found_once_and_ends_nothing(station: Station) -> None:
    station.connectors[1, 1].status = "Available"
    station.connectors[1, 1].reported_at = NOON + timedelta(minutes=30)

    first = free_connectors.overdue(station, NOON + timedelta(minutes=41))
    suspect(first[0], "connector-available")
    again = free_connectors.overdue(station, NOON + timedelta(minutes=42))

    assert [t.id for t in first] == [1000]
    assert again == []
    assert station.transactions[1000].is_active


def test_a_status_from_before_the_start_makes_nothing_suspect(station: Station) -> None:
    station.connectors[1, 1].status = "Available"
    station.connectors[1, 1].reported_at = NOON - timedelta(minutes=1)

    found = free_connectors.overdue(station, NOON + timedelta(hours=1))

    assert found == []


def test_with_an_unknown_connector_every_connector_of_the_evse_must_be_free(station: Station) -> None:
    station.transactions[1000].connector = None
    station.connectors[1, 1].status = "Available"
    station.connectors[1, 1].reported_at = NOON + timedelta(minutes=30)
    station.connectors[1, 2] = ConnectorState(pk=2, evse=1, number=2, status="Occupied", reported_at=NOON)
    later = NOON + timedelta(hours=2)

    busy = free_connectors.overdue(station, later)
    station.connectors[1, 2].status = "Available"

    assert busy == []
    assert [t.id for t in free_connectors.overdue(station, later)] == [1000]
