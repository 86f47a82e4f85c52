"""TransactionEvents without a token on the live state: what each changes, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.live.records import ConnectorState, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import ENERGY, Sample
from tests.unit.transactions.transactions.live_station import (
    NOON,
    a_station,
    emitted,
    minutes,
    running,
)
from tests.unit.transactions.transactions.sent_events import an_event
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.live.reservations import RESERVATIONS
from transactions.services.authorization.decision import NO_AUTHORIZATION
from transactions.services.transactions import events
from transactions.services.transactions.events import ENDED, STARTED, UPDATED
from transactions.tables import EVENTS, TRANSACTIONS

NOWHERE = Place(None, None)


@pytest.fixture
def station() -> Iterator[Station]:
    """A station with a known connector; its next session gets the number 1000."""
    live.reset()
    live.state().rebuild(last_number=999, active=[])
    station = a_station()
    station.connectors[1, 1] = ConnectorState(pk=1, evse=1, number=1, reported_at=NOON)
    yield station
    live.reset()


async def record(station: Station, kind: str, seq_no: int, at: float = 0, **more: Any) -> None:
    station.unit.clear()
    event = an_event(kind, seq_no, at, payload=repr((kind, seq_no, at, more)), **more)
    assert await events.record(station=station, event=event) is None


def stored(station: Station) -> dict[str, Any]:
    """The columns that the current message writes, the last value of each."""
    columns: dict[str, Any] = {}
    for table, _, values in station.unit.updates:
        if table is TRANSACTIONS:
            columns |= values
    return columns


def sample(value: float, at: float, measurand: str = ENERGY) -> Sample:
    text = minutes(at).isoformat()
    return Sample(text, measurand, "", "", "Sample.Periodic", value, "Wh", str(value), "Wh", None, "")


def kinds(station: Station) -> set[tuple[str, str]]:
    return {(kind, path) for kind, _, path in station.deviations}


# -- the first event -----------------------------------------------------------------------------------------


async def test_a_start_opens_a_session_at_its_place_and_time(station: Station) -> None:
    RESERVATIONS.of(station).remember(7)  # no reservation of the station: nothing to look up

    await record(station, STARTED, 4, 5, reservation_id=7, charging_state="EVConnected")

    ((_, row),) = [each for each in station.unit.inserts if each[0] is TRANSACTIONS]
    opened = dict(zip(TRANSACTIONS.names, row, strict=True))
    assert (opened["ocpp_id"], opened["generation"], opened["reservation_id"]) == ("T1", 0, 7)
    assert (opened["evse_number"], opened["connector_number"]) == (1, 1)
    assert (opened["started_at"], opened["charging_state"]) == (minutes(5), "EVConnected")
    transaction = station.transactions[1000]
    assert (transaction.has_started, transaction.last_seq_no) == (True, 4)
    assert transaction.suspect_reasons == []


async def test_a_new_session_is_stored_with_its_decision_and_its_remote_start(station: Station) -> None:
    expected = ExpectedStart(3, 1, "", 5, minutes(90), id_token_type=NO_AUTHORIZATION)
    EXPECTED_STARTS.of(station).append(expected)

    await record(station, STARTED, 0, remote_start_id=5)

    ((_, row),) = [each for each in station.unit.inserts if each[0] is TRANSACTIONS]
    opened = dict(zip(TRANSACTIONS.names, row, strict=True))
    assert (opened["authorization_status"], opened["remote_start_id"]) == ("Accepted", 5)
    assert opened["authorization_reason"] == "The session was started without a token."


async def test_an_online_start_ends_what_ran_on_its_evse(station: Station) -> None:
    station.transactions[999] = running(999)

    await record(station, STARTED, 0, 5)

    before = station.transactions[999]
    assert (before.ended_by, before.stopped_at) == ("superseded", minutes(5))


async def test_a_start_with_a_wrong_time_is_suspect(station: Station) -> None:
    await record(station, STARTED, 0, time_problem="time-implausible", time_text="1970")

    assert station.transactions[1000].suspect_reasons == ["clock-implausible: 1970"]


async def test_every_start_after_an_end_is_a_new_generation(station: Station) -> None:
    for generation in range(3):
        await record(station, STARTED, 0, 10 * generation)
        await record(station, ENDED, 1, 10 * generation + 5)

    assert [one.generation for one in station.transactions.values()] == [0, 1, 2]
    assert {one.ended_by for one in station.transactions.values()} == {"station"}


# -- the same number again -----------------------------------------------------------------------------------


async def test_a_repeated_event_stores_nothing(station: Station) -> None:
    await record(station, STARTED, 0)
    await record(station, UPDATED, 1, 5)
    await record(station, UPDATED, 1, 5)

    assert not station.unit
    assert kinds(station) == {("repeated-event", "")}


async def test_a_number_that_is_no_number_is_applied_and_counted(station: Station) -> None:
    await record(station, STARTED, 0)
    await record(station, UPDATED, 0, 5, charging_state="SuspendedEV")

    assert stored(station)["charging_state"] == "SuspendedEV"
    assert kinds(station) == {("unnumbered-event", "seqNo")}
    assert [table for table, _ in station.unit.inserts if table is EVENTS] == [EVENTS]


# -- later events --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "started"), [(5, 5), (15, 10)])
async def test_a_late_start_completes_its_session_and_never_shortens_it(
    station: Station, at: float, started: float
) -> None:
    station.transactions[1000] = transaction = running(
        ocpp_id="T1",
        has_started=False,
        started_at=minutes(10),
        last_seq_no=3,
        seq_types={3: UPDATED},
        suspect_reasons=["start-missing: the first event is Updated"],
    )

    await record(station, STARTED, 0, at, offline=True)

    row = stored(station)
    assert (row["started_at"], row["was_offline"], row["missing_seq_nos"]) == (minutes(started), True, [1, 2])
    assert row["suspect_reasons"] == transaction.suspect_reasons == ["events-missing: 1, 2"]
    assert (transaction.has_started, transaction.started_at) == (True, minutes(started))


async def test_the_first_place_that_an_event_names_is_that_of_the_session(station: Station) -> None:
    places = []
    for seq_no, place in enumerate((NOWHERE, NOWHERE, Place(2, 1), Place(1, 1), NOWHERE)):
        await record(station, UPDATED if seq_no else STARTED, seq_no, seq_no, place=place)
        transaction = station.transactions[1000]
        places.append((transaction.evse, transaction.connector))

    assert places == [NOWHERE, NOWHERE, (2, 1), (2, 1), (2, 1)]


@pytest.mark.parametrize("offline", [True, False])
async def test_an_event_after_a_gap_stores_its_readings_and_the_gap(station: Station, offline: bool) -> None:
    await record(station, STARTED, 0, samples=[sample(1000, 0)])

    await record(station, UPDATED, 3, 3, offline=offline, samples=[sample(1100, 3), sample(40, 3, "SoC")])

    row = stored(station)
    assert (row.get("was_offline", False), row["missing_seq_nos"]) == (offline, [1, 2])
    assert (row["energy_wh"], row["soc_percent"]) == (100, 40)


def interrupted(**more: Any) -> TransactionState:
    values = {"ocpp_id": "T1", "last_seq_no": 0, "seq_types": {0: STARTED}, "interrupted_at": NOON}
    return running(**(values | {"suspect_reasons": ["connector-available"]} | more))


@pytest.mark.parametrize(
    ("kind", "more", "is_interrupted"),
    [
        (UPDATED, {}, False),
        (ENDED, {}, True),
        (UPDATED, {"is_active": False, "ended_by": "station", "stopped_at": NOON}, True),
    ],
)
async def test_only_an_update_of_a_running_session_shows_that_it_continues(
    station: Station, kind: str, more: dict[str, Any], is_interrupted: bool
) -> None:
    station.transactions[1000] = transaction = interrupted(**more)

    await record(station, kind, 1, 5)

    assert (transaction.interrupted_at is not None) is is_interrupted


async def test_an_update_without_energy_proves_no_vehicle(station: Station) -> None:
    station.transactions[1000] = transaction = interrupted()

    await record(station, UPDATED, 1, 5)

    assert transaction.suspect_reasons == ["connector-available"]


# -- the end -------------------------------------------------------------------------------------------------


async def test_the_first_end_of_the_station_counts(station: Station) -> None:
    await record(station, STARTED, 0)
    await record(station, ENDED, 1, 5, stopped_reason="Remote", charging_state="EVConnected")
    first, transaction = emitted(station), station.transactions[1000]
    await record(station, ENDED, 2, 9)

    assert [kind for kind, _ in first] == ["transaction.ended"]
    assert (transaction.is_active, transaction.stopped_at) == (False, minutes(5))
    assert kinds(station) == {("ended-twice", "")}


async def test_an_end_replaces_the_one_that_the_server_assumed(station: Station) -> None:
    station.transactions[1000] = transaction = interrupted(
        is_active=False, ended_by="superseded", stopped_at=NOON
    )

    await record(station, ENDED, 1, 5)

    assert (transaction.ended_by, transaction.stopped_at) == ("station", minutes(5))
    assert "connector-available" not in transaction.suspect_reasons
    assert kinds(station) == set()
