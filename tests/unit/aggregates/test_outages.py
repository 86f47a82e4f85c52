"""Outages follow from events; a comparison with the stations adds what events have not shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregates.models import ObservedConnector, Outage, Progress, Recount
from aggregates.services import outages
from chargepoints.models import ChargePoint, Connector, Evse
from events.models import Event, StationStream
from events.services import numbering
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as types
from tests.unit.aggregates.stored import HOUR, MINUTE, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def emit(type: Any, at: datetime = NOON, station: str = "CP-1", **data: Any) -> None:
    outbox.emit(type, station=station, **data)
    newest = Event.objects.order_by("-id").values_list("pk", flat=True)[0]
    Event.objects.filter(pk=newest).update(at=at)


def status(word: str, minute: int, *, evse: int = 1, seen: int | None = None, **more: Any) -> None:
    at = NOON + minute * MINUTE
    received = at if seen is None else NOON + seen * MINUTE
    error = {"errorCode": "", "vendorErrorCode": "", "info": "", **more}
    emit(
        types.STATUS_CHANGED, received, evseId=evse, connectorId=1, status=word, previousStatus="",
        statusTime=at, **error,
    )  # fmt: skip


def offline(minute: int) -> None:
    emit(
        types.OFFLINE,
        NOON + (minute + 1) * MINUTE,
        since=NOON + minute * MINUTE,
        reason="lost",
        closeCode=None,
    )


def online(minute: int) -> None:
    emit(
        types.ONLINE,
        NOON + (minute + 1) * MINUTE,
        since=NOON + minute * MINUTE,
        ocppVersion="",
        downSeconds=None,
    )


def follow(now: datetime = NOON + HOUR) -> None:
    numbering.number_some()
    while outages.follow(now):
        pass


def found() -> list[tuple[Any, ...]]:
    """EVSE, cause, and the minutes after noon of begin and end."""

    def minute(at: datetime | None) -> float | None:
        return None if at is None else (at - NOON) / MINUTE

    rows = Outage.objects.order_by("began_at", "pk")
    return [(row.evse_number, row.cause, minute(row.began_at), minute(row.ended_at)) for row in rows]


@pytest.mark.usefixtures("station")
def test_a_station_that_is_offline_is_an_outage_until_it_is_back() -> None:
    offline(10)
    follow()
    assert found() == [(0, "offline", 10, None)]

    online(30)
    follow()
    assert found() == [(0, "offline", 10, 30)]


@pytest.mark.usefixtures("station")
def test_a_fault_of_a_connector_ends_with_its_next_status_and_goes_on_beside_offline() -> None:
    status("Faulted", 5, errorCode="GroundFailure")
    offline(10)
    status("Available", 5, evse=2)
    online(20)
    status("Unavailable", 25)
    status("Available", 40)
    follow()

    assert found() == [(1, "faulted", 5, 25), (0, "offline", 10, 20), (1, "unavailable", 25, 40)]
    assert Outage.objects.get(cause="faulted").error_code == "GroundFailure"


def test_a_status_is_evidence_of_the_connector(station: ChargePoint) -> None:
    status("Available", 5)
    status("Faulted", 7, evse=2)
    follow()

    rows = ObservedConnector.objects.values_list("charge_point", "evse_number", "since")
    assert list(rows) == [(station.pk, 1, NOON + 5 * MINUTE), (station.pk, 2, NOON + 7 * MINUTE)]
    assert Recount.objects.get().since == NOON + 7 * MINUTE


@pytest.mark.usefixtures("station")
def test_a_fault_of_the_station_as_a_whole_ends_with_the_recovery() -> None:
    emit(types.FAULTED, NOON, evseId=0, connectorId=0, errorCode="E", vendorErrorCode="", info="")
    emit(types.RECOVERED, NOON + 9 * MINUTE, evseId=0, connectorId=0)
    follow()

    assert found() == [(0, "faulted", 0, 9)]


@pytest.mark.usefixtures("station")
@pytest.mark.parametrize("minute", [200, -30_000])
def test_a_clock_that_is_ahead_or_far_behind_is_not_believed(minute: int) -> None:
    status("Faulted", minute, seen=10)
    follow()

    assert found() == [(1, "faulted", 10, None)]


def test_a_rejected_and_an_unknown_station_have_no_outages(station: ChargePoint) -> None:
    ChargePoint.objects.update(registration_status="Rejected")
    offline(1)
    emit(types.OFFLINE, NOON, "CP-2", since=NOON, reason="lost", closeCode=None)
    follow()

    assert found() == []


@pytest.mark.usefixtures("station")
def test_each_event_is_applied_once_and_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "AT_ONCE", 2)
    for minute in range(0, 10, 2):
        status("Faulted", minute)
        status("Available", minute + 1)
    follow()
    follow()

    assert found() == [(1, "faulted", minute, minute + 1) for minute in range(0, 10, 2)]
    assert Progress.objects.get().position == 10


# -- comparing -----------------------------------------------------------------------------------------------


def connector(station: ChargePoint, status: str, minute: int = 0) -> None:
    evse = Evse.objects.create(charge_point=station, number=1)
    at = NOON + minute * MINUTE
    Connector.objects.create(
        charge_point=station, evse=evse, number=1, status=status, status_at=at, status_received_at=at
    )


def test_the_comparison_begins_and_ends_what_no_event_has_shown(station: ChargePoint) -> None:
    connector(station, "Faulted", 3)
    ChargePoint.objects.update(status="Unavailable", status_at=NOON + 4 * MINUTE, disconnected_at=NOON)
    StationStream.objects.create(station="CP-1", is_online=False)
    outages.compare([station.pk], NOON + HOUR)
    assert found() == [(0, "offline", 0, None), (1, "faulted", 3, None), (0, "unavailable", 4, None)]

    Connector.objects.update(status="Charging", status_at=NOON + 8 * MINUTE)
    ChargePoint.objects.update(
        status="Available", status_at=NOON + 9 * MINUTE, connected_at=NOON + 7 * MINUTE
    )
    StationStream.objects.update(is_online=True)
    outages.compare([station.pk], NOON + HOUR)
    assert found() == [(0, "offline", 0, 7), (1, "faulted", 3, 8), (0, "unavailable", 4, 9)]


def test_a_comparison_that_is_ahead_of_the_events_makes_no_second_outage(station: ChargePoint) -> None:
    connector(station, "Faulted", 3)
    outages.compare([station.pk], NOON + HOUR)
    Connector.objects.update(status="Available", status_at=NOON + 8 * MINUTE)
    outages.compare([station.pk], NOON + HOUR)

    status("Faulted", 3)
    status("Available", 8)
    follow()

    assert found() == [(1, "faulted", 3, 8)]


def test_outages_of_a_connector_that_is_gone_and_of_a_rejected_station_end_now(station: ChargePoint) -> None:
    status("Faulted", 3, evse=2)
    offline(5)
    follow()
    outages.compare([station.pk], NOON + HOUR)
    assert found() == [(2, "faulted", 3, 60), (0, "offline", 5, None)]

    ChargePoint.objects.update(registration_status="Rejected")
    outages.compare([station.pk], NOON + 2 * HOUR)
    assert found()[1] == (0, "offline", 5, 120)


def test_the_comparison_is_due_each_hour_and_after_deleted_events(station: ChargePoint) -> None:
    assert outages.due(NOON) == [station.pk]
    outages.compared(NOON)
    assert outages.due(NOON + 59 * MINUTE) == []
    assert outages.due(NOON + HOUR) == [station.pk]

    for minute in range(3):
        status("Available", minute)
    follow()
    Event.objects.filter(position__lte=3).delete()
    Progress.objects.update(position=1, compared_at=NOON)
    follow()
    assert outages.due(NOON + timedelta(seconds=1)) == [station.pk]
