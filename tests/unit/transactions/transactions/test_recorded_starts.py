"""1.6 starts on the live state: a repeated one, and the row of a new session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from tests.unit.transactions.transactions.live_station import NOON, a_station, emitted, minutes
from tests.unit.transactions.transactions.same_thread import result_of, same_thread
from tests.unit.transactions.transactions.stored_sessions import a_row
from transactions.services.authorization.decision import NO_AUTHORIZATION
from transactions.services.transactions import starting
from transactions.services.transactions.fingerprints import fingerprint
from transactions.tables import TRANSACTIONS

__all__ = ["same_thread"]

KEY = fingerprint(1, "card", "T", 1000.0)


@pytest.fixture
def station() -> Iterator[Station]:
    """A station with a known connector; its next session gets the number 2001."""
    live.reset()
    live.state().rebuild(last_number=2000, active=[])
    station = a_station()
    station.connectors[1, 1] = ConnectorState(pk=1, evse=1, number=1, reported_at=NOON)
    yield station
    live.reset()


def start(station: Station, at: float, **more: Any) -> int:
    """The number of the session. The type of the token needs no look-up."""
    values: dict[str, Any] = {
        "place": Place(1, 1),
        "token": IdToken(" Card", NO_AUTHORIZATION),
        "meter_wh": 1000.0,
        "time_text": "T",
    }
    started = result_of(starting.start(station=station, at=minutes(at), **(values | more)))
    number: int = started.number
    return number


@pytest.mark.parametrize(
    ("at", "in_doubt", "number"), [(60, False, 2001), (60, True, 1000), (54, False, 1000), (54, True, 1000)]
)
def test_a_start_is_looked_up_when_it_may_have_been_stored_before(
    same_thread: None, station: Station, at: float, in_doubt: bool, number: int
) -> None:
    ChargePoint.objects.create(pk=1, identity="CP-1")
    a_row(start_fingerprint=KEY)
    station.in_doubt = in_doubt

    assert start(station, at) == number


@pytest.mark.parametrize(("at", "was_offline"), [(60, False), (55, False), (54.9, True)])
def test_a_new_session_has_the_fields_of_its_start(
    same_thread: None, station: Station, at: float, was_offline: bool
) -> None:
    station.connectors[1, 1].reported_at = None

    number = start(station, at, reservation_id=7, time_problem="time-implausible")

    ((_, row),) = [each for each in station.unit.inserts if each[0] is TRANSACTIONS]
    stored = dict(zip(TRANSACTIONS.names, row, strict=True))
    assert (number, stored["id"], stored["start_fingerprint"]) == (2001, 2001, KEY)
    assert (stored["evse_number"], stored["connector_number"], stored["reservation_id"]) == (1, 1, 7)
    assert (stored["started_at"], stored["meter_start_wh"]) == (minutes(at), 1000)
    assert stored["authorization_status"] == "Accepted"
    assert stored["suspect_reasons"] == ["clock-implausible: T", "connector-unknown: 1"]
    assert [data["wasOffline"] for _, data in emitted(station)] == [was_offline]
    later = [values.get("was_offline") for table, _, values in station.unit.updates if table is TRANSACTIONS]
    assert later == ([True] if was_offline else [])


def test_a_start_without_a_time_is_repeated_while_its_session_runs(
    same_thread: None, station: Station
) -> None:
    first, again, other = (start(station, 60, time_text="", meter_wh=wh) for wh in (1000.0, 1000.0, 1001.0))

    assert (first, again, other) == (2001, 2001, 2002)
    assert {kind for kind, _, _ in station.deviations} == {"repeated-start"}
    assert station.transactions[2001].ended_by == "superseded"
