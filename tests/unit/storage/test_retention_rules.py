"""The limits of what is kept: the age of a row, the newest rows of a station, and whole months."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, DeviceEvent, Message
from ocpp_server.storage import partitions, retention

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return NOW


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "datetime", Clock)


@pytest.fixture
def station(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="kept")


def message(station: ChargePoint, name: str, at: datetime) -> Message:
    return Message(
        charge_point=station, direction="in", message_id=name, action="A", request="{}", size=2, at=at
    )


def test_a_row_is_deleted_once_it_is_older_than_the_retention(station: ChargePoint) -> None:
    limit = NOW - timedelta(hours=1)
    Message.objects.bulk_create(
        [message(station, "old", limit - timedelta(microseconds=1)), message(station, "kept", limit)]
    )

    assert retention.delete_some(partitions.MESSAGES, 3600) is False

    assert list(Message.objects.values_list("message_id", flat=True)) == ["kept"]


def test_a_table_without_old_rows_has_nothing_to_delete(
    station: ChargePoint, django_assert_num_queries: Any
) -> None:
    Message.objects.bulk_create([message(station, "young", NOW)])

    with django_assert_num_queries(1):
        assert retention.delete_some(partitions.MESSAGES, 3600) is False


async def test_divided_tables_lose_whole_months_in_a_thread_of_their_own(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.OCPP_MESSAGE_RETENTION, settings.OCPP_METER_VALUE_RETENTION = 10.0, 20.0
    maintained: list[Any] = []

    def maintain(kept: Any, now: datetime) -> None:
        maintained.append((dict(kept), now, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr(partitions, "is_divided", lambda: True)
    monkeypatch.setattr(partitions, "maintain", maintain)
    monkeypatch.setattr(
        retention.journal, "run", lambda *_: pytest.fail("the journal must not wait for locks")
    )

    await retention.delete_old_rows()

    kept = {partitions.MESSAGES: 10.0, partitions.READINGS: 20.0, partitions.METER_VALUES: 20.0}
    assert maintained == [(kept, NOW, False)]


def test_a_station_keeps_its_newest_ten_thousand_events(
    station: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert retention.EVENTS_PER_STATION == 10_000
    monkeypatch.setattr(retention, "EVENTS_PER_STATION", 3)
    other = ChargePoint.objects.create(identity="quiet")
    for number in range(4):
        for one in (station, other)[: 1 if number == 3 else 2]:
            DeviceEvent.objects.create(
                charge_point=one, event_id=number, component="C", variable="V", at=NOW, received_at=NOW
            )

    retention.keep_newest(DeviceEvent)

    kept = DeviceEvent.objects.order_by("pk").values_list("charge_point__identity", "event_id")
    assert [number for name, number in kept if name == "kept"] == [1, 2, 3]
    assert [number for name, number in kept if name == "quiet"] == [0, 1, 2]
