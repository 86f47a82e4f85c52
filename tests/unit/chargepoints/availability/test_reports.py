"""Reports of a status: what is stored, which events they make, and when a place is free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.handlers.availability import (
    availability_changed,
    status_notification,
    status_notification_16,
)
from chargepoints.models import ChargePoint, Connector
from chargepoints.services import availability
from chargepoints.services.availability import (
    connector_at,
    free_since,
    is_faulted,
    known_status,
)
from chargepoints.tables import CHARGE_POINTS, CONNECTORS
from ocpp_server.live.records import ConnectorState
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.versions import V201
from tests.unit.chargepoints.in_memory import (
    NOON,
    STATION,
    a_station,
    changed,
    deviations,
    events,
    handled,
)

# Written out: a test that reads the constant would not notice another number.
MAX_CONNECTORS = 128
FIRST = Place(1, 1)
BEFORE = NOON - timedelta(hours=1)
ERROR = {"errorCode": "GroundFailure", "vendorErrorCode": "E17", "info": "Residual current"}


async def report(station: Any, status: str, place: Place = FIRST, **more: Any) -> None:
    await availability.report(station=station, place=place, status=status, at=BEFORE, **more)


async def test_a_16_report_is_stored_with_all_its_fields() -> None:
    station = a_station("Available")
    request = {
        "connectorId": 1,
        "status": "Faulted",
        "errorCode": "GroundFailure",
        "info": "Residual current",
        "vendorId": "V",
        "vendorErrorCode": "E17",
        "timestamp": "2026-05-04T11:00:00Z",
    }

    answer = await handled(status_notification_16, station, "StatusNotification", request)

    assert answer == {}
    assert changed(station, CONNECTORS) == {
        11: {
            "status": "Faulted",
            "error_code": "GroundFailure",
            "info": "Residual current",
            "vendor_id": "V",
            "vendor_error_code": "E17",
            "is_provisional": False,
            "status_at": BEFORE,
            "status_received_at": NOON,
        }
    }
    known = station.connectors[1, 1]
    assert (known.status, known.error_code, known.info) == ("Faulted", "GroundFailure", "Residual current")
    assert known.reported_at == NOON
    # The list of stations shows the worst status.
    assert changed(station, CHARGE_POINTS) == {STATION: {"updated_at": NOON}}


async def test_a_16_report_without_optional_fields_has_the_time_of_its_receipt() -> None:
    station = a_station("Charging")
    request = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}

    await handled(status_notification_16, station, "StatusNotification", request)

    stored = changed(station, CONNECTORS)[11]
    assert (stored["info"], stored["vendor_id"], stored["vendor_error_code"]) == ("", "", "")
    assert (stored["status_at"], deviations(station)) == (NOON, [])


async def test_a_2x_report_is_stored_at_its_evse() -> None:
    station = a_station("Available", "Available", version=V201)
    request = {
        "evseId": 2,
        "connectorId": 1,
        "connectorStatus": "Occupied",
        "timestamp": "2026-05-04T11:00:00Z",
    }

    answer = await handled(status_notification, station, "StatusNotification", request)

    assert answer == {}
    assert list(changed(station, CONNECTORS)) == [12]
    assert changed(station, CONNECTORS)[12]["status_at"] == BEFORE
    assert events(station) == [
        (
            "connector.status_changed",
            {
                "evseId": 2,
                "connectorId": 1,
                "status": "Occupied",
                "previousStatus": "Available",
                "errorCode": "",
                "vendorErrorCode": "",
                "info": "",
                "statusTime": "2026-05-04T11:00:00.000Z",
            },
        )
    ]


@pytest.mark.parametrize(
    ("evse", "connector", "key", "kinds"),
    [(1, 0, 11, ["connector-0"]), (0, 0, STATION, ["evse-0", "connector-0"]), (0, 1, STATION, ["evse-0"])],
)
async def test_a_zero_of_2x_is_a_deviation(evse: int, connector: int, key: int, kinds: list[str]) -> None:
    station = a_station("Available", version=V201)
    request = {
        "evseId": evse,
        "connectorId": connector,
        "connectorStatus": "Occupied",
        "timestamp": "2026-05-04T11:00:00Z",
    }

    await handled(status_notification, station, "StatusNotification", request)

    assert [kind for kind, _ in deviations(station)] == kinds
    rows = changed(station, CONNECTORS) | changed(station, CHARGE_POINTS)
    assert [row for row, columns in rows.items() if columns.keys() != {"updated_at"}] == [key]


async def test_connector_0_is_the_station_and_changes_no_connector() -> None:
    station = a_station("Available")

    await report(station, "Faulted", Place(0, 0), error_code="GroundFailure", info="Residual current")

    assert changed(station, CHARGE_POINTS) == {
        STATION: {
            "status": "Faulted",
            "error_code": "GroundFailure",
            "status_info": "Residual current",
            "status_at": BEFORE,
        }
    }
    assert (station.status, station.connectors[1, 1].status) == ("Faulted", "Available")
    # The status of a connector has an event of its own, that of the station only as a fault.
    assert events(station) == [
        ("station.faulted", {"evseId": 0, "connectorId": 0} | ERROR | {"vendorErrorCode": ""})
    ]


@pytest.mark.parametrize("place", [Place(0, 0), Place(1, 1)])
async def test_the_same_status_again_is_stored_without_an_event(place: Place) -> None:
    station = a_station("Available", status="Available")

    await report(station, "Available", place, info="again")

    assert events(station) == []
    assert changed(station, CONNECTORS) | changed(station, CHARGE_POINTS)


async def test_a_place_that_can_not_be_is_a_deviation_and_not_stored() -> None:
    station = a_station("Available")

    await report(station, "Faulted", Place(None, None))

    assert [kind for kind, _ in deviations(station)] == ["impossible-place"]
    assert not station.unit


async def test_texts_are_cut_to_their_columns() -> None:
    station = a_station("Available")
    long: dict[str, Any] = dict.fromkeys(("error_code", "info", "vendor_id", "vendor_error_code"), "x" * 1001)

    await report(station, "Charging", **long)
    await report(station, "Charging", Place(0, 0), **long)

    stored, whole = changed(station, CONNECTORS)[11], changed(station, CHARGE_POINTS)[STATION]
    assert [len(stored[name]) for name in long] == [255, 1000, 255, 255]
    assert (len(whole["error_code"]), len(whole["status_info"])) == (255, 1000)


def kinds(station: Any) -> list[str]:
    return [kind for kind, _ in events(station) if kind != "connector.status_changed"]


async def test_a_station_is_faulted_with_its_first_fault_and_recovers_with_its_last() -> None:
    station = a_station("Available", "Available")

    await report(station, "Faulted", Place(1, 1), error_code="GroundFailure")
    await report(station, "Faulted", Place(2, 1))
    await report(station, "Faulted", Place(0, 0))
    await report(station, "Available", Place(1, 1))
    await report(station, "Available", Place(0, 0))
    assert kinds(station) == ["station.faulted"]
    assert is_faulted(station)

    await report(station, "Available", Place(2, 1))

    assert kinds(station) == ["station.faulted", "station.recovered"]
    assert events(station)[-1] == ("station.recovered", {"evseId": 2, "connectorId": 1})
    assert not is_faulted(station)


async def test_other_changes_are_neither_a_fault_nor_a_recovery() -> None:
    station = a_station("Available", "Faulted")

    await report(station, "Charging", Place(1, 1))

    assert kinds(station) == []


@pytest.mark.parametrize(
    ("status", "stored"),
    [
        ("Available", "Available"),
        ("SuspendedEVSE", "SuspendedEVSE"),
        ("Parked", "Other:Parked"),
        ("", "Other:"),
        ("x" * 100, "Other:" + "x" * 58),
    ],
)
def test_a_status_that_no_version_has_is_marked(status: str, stored: str) -> None:
    assert known_status(status) == stored


# -- free ------------------------------------------------------------------------------------------------


def since(*reports: tuple[int, int, str, int | None], place: Place) -> int | None:
    """Minutes after noon since which a place is free, where each connector has reported at a minute."""
    station = a_station()
    for evse, number, status, minute in reports:
        station.connectors[evse, number] = ConnectorState(
            pk=1,
            evse=evse,
            number=number,
            status=status,
            reported_at=None if minute is None else NOON + timedelta(minutes=minute),
        )
    at = free_since(station, place)
    return None if at is None else int((at - NOON).total_seconds() // 60)


@pytest.mark.parametrize(
    ("reports", "place", "minute"),
    [
        ([(1, 1, "Available", 5)], Place(1, 1), 5),
        ([(1, 1, "Available", 5)], Place(1, None), 5),
        ([(1, 1, "Available", None)], Place(1, 1), None),
        ([(1, 1, "Charging", 5)], Place(1, 1), None),
        ([(1, 1, "Available", 5)], Place(1, 2), None),
        ([(1, 1, "Available", 5)], Place(2, None), None),
        ([(1, 1, "Available", 5)], Place(0, 0), None),
        ([(1, 1, "Available", 5)], Place(None, 1), None),
        # The connector is unknown: all of its EVSE are Available, since the last of them.
        ([(1, 1, "Available", 5), (1, 2, "Available", 7)], Place(1, None), 7),
        ([(1, 1, "Available", 5), (1, 2, "Charging", 7)], Place(1, None), None),
        ([(1, 1, "Available", 5), (2, 1, "Charging", 7)], Place(1, None), 5),
        ([(1, 1, "Available", 5), (1, 2, "Charging", 7)], Place(1, 1), 5),
        ([(1, 1, "Available", 5), (1, 2, "Available", None)], Place(1, None), 5),
    ],
)
def test_a_place_is_free_since_it_reported_available(
    reports: list[tuple[int, int, str, int | None]], place: Place, minute: int | None
) -> None:
    assert since(*reports, place=place) == minute


# -- new connectors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place", [Place(0, 0), Place(None, 1), Place(-1, 1), Place(2**31, 1), Place(1, 2**31)]
)
async def test_no_connector_is_made_of_numbers_that_it_can_not_have(place: Place) -> None:
    assert await connector_at(a_station(), place) is None


async def test_a_station_has_a_limited_number_of_connectors() -> None:
    station = a_station(*["Available"] * MAX_CONNECTORS)

    await report(station, "Available", Place(MAX_CONNECTORS, 1))
    assert deviations(station) == []

    await report(station, "Available", Place(MAX_CONNECTORS + 1, 1))
    assert [kind for kind, _ in deviations(station)] == ["too-many-connectors"]


@pytest.mark.django_db
def test_connectors_are_made_once_and_their_keys_are_in_the_order_of_the_request() -> None:
    a, b = (ChargePoint.objects.create(identity=name) for name in "ab")
    first = availability._make([(a.pk, 1, 1, True), (b.pk, 1, 1, False), (a.pk, 1, 2, False)])

    again = availability._make([(a.pk, 1, 2, True), (a.pk, 2, 1, False), (a.pk, 1, 1, False)])

    rows = {row.pk: row for row in Connector.objects.select_related("evse")}
    made = [rows[pk] for pk in first]
    assert [(row.charge_point_id, row.evse.number, row.number) for row in made] == [
        (a.pk, 1, 1),
        (b.pk, 1, 1),
        (a.pk, 1, 2),
    ]
    assert [row.is_provisional for row in made] == [True, False, False]
    assert [again[0], again[2]] == [first[2], first[0]]
    assert (rows[again[1]].evse.number, rows[again[1]].evse.charge_point_id) == (2, a.pk)
    assert len(rows) == 4


# -- the answer to ChangeAvailability ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "evse", "wanted"),
    [
        ({"connectorId": 2, "type": "Inoperative"}, 2, "Inoperative"),
        ({"connectorId": 0, "type": "Operative"}, 0, "Operative"),
        ({"operationalStatus": "Operative", "evse": {"id": 4}}, 4, "Operative"),
        ({"operationalStatus": "Inoperative"}, 0, "Inoperative"),
    ],
)
@pytest.mark.parametrize("status", ["Accepted", "Scheduled", "Rejected"])
async def test_a_changed_availability_is_an_event_unless_it_was_rejected(
    request_: dict[str, Any], evse: int, wanted: str, status: str
) -> None:
    station = a_station(actor="ann")

    await availability_changed(station, request_, {"status": status}, "c-1")

    data = {
        "evseId": evse,
        "availability": wanted,
        "status": status,
        "requestId": "c-1",
        "actor": "ann",
    }
    assert [data for _, data in events(station)] == ([] if status == "Rejected" else [data])


async def test_a_2x_connector_is_found_by_its_number_in_its_evse() -> None:
    station = a_station("Available", version=V201)
    station.connectors[1, 2] = ConnectorState(pk=12, evse=1, number=2, status="Available")
    request = {"evseId": 1, "connectorId": 2, "connectorStatus": "Occupied"}

    await handled(status_notification, station, "StatusNotification", request)

    assert list(changed(station, CONNECTORS)) == [12]


@pytest.mark.parametrize(
    ("changed", "received", "at", "by_time", "expected"),
    [
        (0, 0, -1, True, "Occupied"),
        (0, 0, 0, True, "Available"),  # of equal times the later one to arrive
        (0, 0, 1, True, "Available"),
        (0, 0, -1, False, "Available"),
        (60, 0, 1, True, "Available"),  # the clock was ahead, and has been corrected
        (60, 0, -1, True, "Occupied"),
        (0, -31, -31, True, "Available"),  # the present report is of an earlier connection
        (None, 0, -1, True, "Available"),
    ],
)
async def test_of_two_reports_the_later_one_by_the_stations_time_counts(
    changed: int | None, received: int, at: int, by_time: bool, expected: str
) -> None:
    station = a_station("Occupied")
    station.connected_at = NOON - timedelta(minutes=30)
    connector = station.connectors[1, 1]
    connector.reported_at = NOON + timedelta(minutes=received)
    connector.changed_at = None if changed is None else NOON + timedelta(minutes=changed)
    at_time = NOON + timedelta(minutes=at)

    await availability.report(station=station, place=FIRST, status="Available", at=at_time, by_time=by_time)

    assert connector.status == expected
    assert bool(station.unit.updates) is (expected == "Available")
    assert [kind for kind, _ in deviations(station)] == (
        [] if expected == "Available" else ["outdated-status"]
    )
