"""Event streams: what a station's messages change, in memory, and the jobs that bound them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.live import STREAMS, OpenStream, load_streams
from configuration.models import EventStream, StreamMessage
from configuration.services.monitoring import streams
from configuration.services.monitoring.streams import Listed
from configuration.tables import EVENT_STREAMS, STREAM_MESSAGES
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate.monitors import Stream
from tests.unit.chargepoints.in_memory import NOON, a_station, changed, deviations, rows

V21 = "ocpp2.1"


def opened(station: Station, stream: int = 2, monitor: int = 3, **params: Any) -> bool:
    return streams.begin(station=station, listed=Listed(stream, monitor, Stream(**params)))


def receive(station: Station, *data: tuple[float, str], stream: int = 2, pending: int = 0) -> None:
    streams.receive(station=station, stream_id=stream, base_at=NOON, pending=pending, data=data)


def test_an_opened_stream_is_remembered_with_its_monitor() -> None:
    station = a_station(version=V21)

    assert opened(station, interval=10)

    (row,) = rows(station, EVENT_STREAMS)
    assert (row["stream_id"], row["monitor_id"], row["interval"], row["values"]) == (2, 3, 10, None)
    assert STREAMS.of(station)[2] == OpenStream(pk=row["id"], monitor_id=3)


def test_the_same_stream_opened_again_goes_on_with_its_new_parameters() -> None:
    station = a_station(version=V21)

    assert opened(station, interval=10)
    assert opened(station, values=5)

    (row,) = rows(station, EVENT_STREAMS)
    assert changed(station, EVENT_STREAMS) == {row["id"]: {"interval": None, "values": 5}}


def test_a_stream_with_another_monitor_is_another_one() -> None:
    station = a_station(version=V21)

    assert opened(station)
    assert opened(station, monitor=4)

    first, second = rows(station, EVENT_STREAMS)
    assert changed(station, EVENT_STREAMS) == {first["id"]: {"closed_at": NOON}}
    assert STREAMS.of(station)[2].pk == second["id"]


@pytest.mark.parametrize(("stream", "monitor"), [(2**63, 1), (1, 2**63)])
def test_numbers_that_no_column_holds_are_refused(stream: int, monitor: int) -> None:
    station = a_station(version=V21)

    assert not opened(station, stream, monitor)
    assert not rows(station, EVENT_STREAMS)


def test_beyond_the_bound_a_stream_is_refused_until_another_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MOST_OPEN", 1)
    station = a_station(version=V21)

    assert opened(station)
    assert not opened(station, 5)
    assert opened(station, monitor=9)  # replaces the first one
    streams.end(station=station, stream_id=2)
    assert opened(station, 5)
    assert list(STREAMS.of(station)) == [5]


def test_values_are_one_row_with_their_offsets() -> None:
    station = a_station(version=V21)
    opened(station)

    receive(station, (0, "1"), (2.5, "wss://cp:secret-word@example.com"), pending=4)

    (row,) = rows(station, STREAM_MESSAGES)
    assert (row["stream_id"], row["base_at"], row["pending"]) == (STREAMS.of(station)[2].pk, NOON, 4)
    assert row["data"] == [[0, "1"], [2.5, "wss://***@example.com"]]
    assert deviations(station) == []


def test_values_of_an_unknown_stream_are_dropped_and_counted() -> None:
    station = a_station(version=V21)
    opened(station)
    streams.end(station=station, stream_id=2)
    streams.end(station=station, stream_id=2)

    receive(station, (0, "1"))

    assert rows(station, STREAM_MESSAGES) == []
    assert deviations(station) == [("unknown-stream", "id")]


def test_a_message_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_VALUES", 2)
    station = a_station(version=V21)
    opened(station)

    receive(station, (0, "1"), (1, "2"), (2, "3" * 3000), (1e10, "4"), pending=2**70)

    (row,) = rows(station, STREAM_MESSAGES)
    assert [(offset, len(value)) for offset, value in row["data"]] == [(1, 1), (2, 2500)]
    assert row["pending"] == 0
    assert deviations(station) == [("time-implausible", "data.t"), ("too-many-values", "data")]


def test_accepted_parameters_change_what_they_name() -> None:
    station = a_station(version=V21)
    opened(station, interval=10, values=30)
    pk = STREAMS.of(station)[2].pk

    for params in (Stream(interval=15), Stream()):
        streams.adjust(station=station, stream_id=2, params=params)
    streams.adjust(station=station, stream_id=7, params=Stream(values=1))

    assert changed(station, EVENT_STREAMS) == {pk: {"interval": 15}}


def test_a_list_of_the_open_streams_closes_the_others() -> None:
    station = a_station(version=V21)
    for number in (1, 2):
        opened(station, number, number)
    pks = {number: one.pk for number, one in STREAMS.of(station).items()}

    streams.rebuild(station=station, listed=[Listed(2, 2, Stream(interval=5)), Listed(3, 3, Stream())])

    assert set(STREAMS.of(station)) == {2, 3}
    assert changed(station, EVENT_STREAMS) == {
        pks[1]: {"closed_at": NOON},
        pks[2]: {"interval": 5, "values": None},
    }


# -- stored --------------------------------------------------------------------------------------------------


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def stored(garage: ChargePoint, number: int, **more: Any) -> EventStream:
    return EventStream.objects.create(
        charge_point=garage, stream_id=number, monitor_id=number, opened_at=NOON, **more
    )


@pytest.mark.django_db
def test_a_station_is_loaded_with_its_open_streams(garage: ChargePoint) -> None:
    one = stored(garage, 1)
    stored(garage, 2, closed_at=NOON)
    station = Station(pk=garage.pk, identity="CP-1", version=V21)

    load_streams({garage.pk: [station]})

    assert STREAMS.of(station) == {1: OpenStream(pk=one.pk, monitor_id=1)}


@pytest.mark.django_db
def test_the_newest_messages_of_each_stream_are_kept(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MESSAGES_KEPT", 2)
    for number in (1, 2):
        one = stored(garage, number)
        for text in "abc"[: number + 1]:
            StreamMessage.objects.create(stream=one, base_at=NOON, data=[[0, text]], received_at=NOON)

    streams.trim()

    kept = StreamMessage.objects.order_by("pk").values_list("stream__stream_id", "data")
    assert [(number, data[0][1]) for number, data in kept] == [(1, "a"), (1, "b"), (2, "b"), (2, "c")]


@pytest.mark.django_db
def test_closed_streams_are_deleted_after_a_month_and_beyond_a_number(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CLOSED_KEPT", 2)
    now = datetime.now(UTC)
    stored(garage, 1)
    stored(garage, 2, closed_at=now - timedelta(days=31))
    for number in (3, 4, 5):
        stored(garage, number, closed_at=now - timedelta(hours=10 - number))

    streams.trim()

    assert sorted(EventStream.objects.values_list("stream_id", flat=True)) == [1, 4, 5]
