"""Numbering: positions and sequences without gaps, in the order of the commits. Runs on PostgreSQL too."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from events.models import Event, StationStream, Stream
from events.services import numbering, retention
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations

pytestmark = pytest.mark.django_db(transaction=True)


def emit(station: str, status: str = "Downloading") -> None:
    outbox.emit(stations.FIRMWARE, station=station, status=status)


def numbers() -> list[tuple[int | None, str, int | None]]:
    return list(Event.objects.order_by("id").values_list("position", "station", "sequence"))


def in_thread(function: object) -> None:
    """Run a function in a thread, and close its connection."""

    def run() -> None:
        try:
            function()  # type: ignore[operator]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result(60)


def test_positions_rise_over_all_stations_and_sequences_for_each() -> None:
    for station in ("A", "B", "A", ""):
        emit(station)

    counts = numbering.number_some()

    assert numbers() == [(1, "A", 1), (2, "B", 1), (3, "A", 2), (4, "", None)]
    assert counts == {"firmware.status_changed": 4}
    assert numbering.number_some() == {}


def test_numbers_go_on_after_a_batch_and_after_the_deletion_of_all_events() -> None:
    for _ in range(5):
        emit("A")
    while numbering.number_some(2):
        pass
    Event.objects.all().delete()

    emit("A")
    numbering.number_some()

    assert numbers() == [(6, "A", 6)]


def test_events_are_deleted_after_their_retention_and_only_when_they_have_a_number() -> None:
    for _ in range(3):
        emit("A")
    numbering.number_some()
    emit("A")
    old = datetime.now(UTC) - timedelta(days=8)
    Event.objects.exclude(position=3).update(at=old)

    assert retention.delete_some() is False

    assert numbers() == [(3, "A", 3), (None, "A", None)]


def test_a_reader_whose_events_another_one_has_numbered_meanwhile_numbers_none() -> None:
    emit("A")

    def number_before(execute: Any, sql: str, *arguments: Any) -> Any:
        if "SET position = position" in sql:
            Event.objects.update(position=1, sequence=1)
        return execute(sql, *arguments)

    with connection.execute_wrapper(number_before):
        assert numbering.number_some() == {}

    assert numbers() == [(1, "A", 1)]
    assert Stream.objects.get().position == 0


def test_of_two_first_readers_one_makes_the_stream_and_both_lock_it() -> None:
    emit("A")
    statements: list[str] = []

    def make_before(execute: Any, sql: str, *arguments: Any) -> Any:
        if "api_event_stream" not in sql:
            return execute(sql, *arguments)
        statements.append(sql.split(maxsplit=1)[0])
        if statements.count("INSERT") == 1 and statements[-1] == "INSERT":
            Stream.objects.create(position=7)  # by the other reader
        return execute(sql, *arguments)

    with connection.execute_wrapper(make_before):
        numbering.number_some()

    assert numbers() == [(8, "A", 1)]
    # The update is the lock: it comes again once the row is there.
    assert statements == ["UPDATE", "INSERT", "INSERT", "UPDATE", "SELECT", "UPDATE"]


def test_events_of_no_station_get_positions_only() -> None:
    emit("")

    assert numbering.number_some() == {"firmware.status_changed": 1}
    assert numbers() == [(1, "", None)]
    assert not StationStream.objects.exists()


def test_a_rolled_back_change_leaves_no_event_and_no_gap() -> None:
    emit("A")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        emit("A")
        raise ZeroDivisionError
    emit("A")

    numbering.number_some()

    assert [(position, sequence) for position, _, sequence in numbers()] == [(1, 1), (2, 2)]


def test_a_reader_that_dies_before_its_commit_leaves_nothing() -> None:
    for _ in range(3):
        emit("A")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        numbering.number_some()
        raise ZeroDivisionError

    assert {position for position, _, _ in numbers()} == {None}
    numbering.number_some()

    assert [position for position, _, _ in numbers()] == [1, 2, 3]
    assert StationStream.objects.get(pk="A").sequence == Stream.objects.get().position == 3


def test_a_lower_id_that_is_committed_later_gets_the_later_position() -> None:
    """Two interleaved transactions: the first one has the lower id and commits last."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer")
    has_emitted, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            emit("slow")
            has_emitted.set()
            assert may_commit.wait(60)

    with ThreadPoolExecutor(1) as pool:

        def run() -> None:
            try:
                slow()
            finally:
                connection.close()

        writer = pool.submit(run)
        assert has_emitted.wait(60)
        emit("fast")
        numbering.number_some()
        read = list(Event.objects.numbered().values_list("position", "station"))
        may_commit.set()
        writer.result(60)
    numbering.number_some()

    assert read == [(1, "fast")]
    later = Event.objects.numbered().filter(position__gt=1).values_list("position", "station")
    assert list(later) == [(2, "slow")]
    assert numbers() == [(2, "slow", 1), (1, "fast", 1)]


def test_two_readers_at_once_number_every_event_once_and_without_a_gap() -> None:
    """As while the elected process changes."""
    written = 120
    stop = threading.Event()

    def write(station: str) -> None:
        for _ in range(written // 2):
            emit(station)

    def read() -> None:
        while not stop.is_set():
            numbering.number_some(7)

    def closing(function: object, *arguments: object) -> None:
        try:
            function(*arguments)  # type: ignore[operator]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(closing, write, station) for station in ("A", "B")]
        readers = [pool.submit(closing, read) for _ in range(2)]
        for writer in writers:
            writer.result(60)
        stop.set()
        for reader in readers:
            reader.result(60)
    while numbering.number_some():
        pass

    found = numbers()
    assert sorted(position or 0 for position, _, _ in found) == list(range(1, written + 1))
    for station in ("A", "B"):
        of_station = [sequence for _, name, sequence in found if name == station]
        assert of_station == list(range(1, written // 2 + 1))


def test_a_poll_without_work_takes_no_lock() -> None:
    emit("A")
    numbering.number_some()

    with transaction.atomic():
        Stream.objects.update(position=1)
        if connection.vendor == "postgresql":
            in_thread(numbering.number_some)
