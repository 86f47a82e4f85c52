"""Deviations of a station: counted in one row for each kind, the first as the example."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from chargepoints import jobs
from chargepoints.models import ChargePoint, Deviation, Site
from chargepoints.services import deviations
from events.models import Event
from ocpp_server.live.station import DeviationCount
from ocpp_server.storage.journal import JournalUnavailable

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
NAMES = ("kind", "action", "path")
KIND = ("bad-time", "Heartbeat", "timestamp")


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", site=Site.objects.create(name="Home"))


def seen(count: int = 1, detail: str = "detail", example: str = "example") -> DeviationCount:
    found = DeviationCount(detail, example)
    found.count = count
    return found


def rows() -> list[tuple[Any, ...]]:
    return list(Deviation.objects.order_by("pk").values_list("kind", "action", "path", "count"))


def test_a_first_deviation_is_stored_with_its_example(garage: ChargePoint) -> None:
    deviations.store([(garage.pk, {KIND: seen(3)})], NOON)

    row = Deviation.objects.get()
    assert (row.charge_point, row.kind, row.action, row.path) == (garage, *KIND)
    assert (row.detail, row.example, row.count) == ("detail", "example", 3)
    assert (row.first_at, row.last_at) == (NOON, NOON)


def test_a_known_deviation_is_added_to_its_row(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    deviations.store([(garage.pk, {KIND: seen(3)}), (other.pk, {KIND: seen(1)})], NOON)

    deviations.store([(garage.pk, {KIND: seen(2, "another", "another")})], LATER)

    row = Deviation.objects.get(charge_point=garage)
    assert (row.count, row.detail, row.example) == (5, "detail", "example")
    assert (row.first_at, row.last_at) == (NOON, LATER)
    assert Deviation.objects.get(charge_point=other).count == 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_deviation_of_another_kind_action_or_path_has_its_own_row(garage: ChargePoint, place: int) -> None:
    other = tuple("other" if number == place else name for number, name in enumerate(KIND))

    deviations.store([(garage.pk, {KIND: seen(), other: seen()})], NOON)  # type: ignore[dict-item]

    assert len(rows()) == 2


def test_a_station_with_500_kinds_counts_only_these(garage: ChargePoint) -> None:
    kinds = [("k", "a", str(number)) for number in range(501)]
    Deviation.objects.bulk_create(
        Deviation(charge_point=garage, kind="k", action="a", path=path, count=1, first_at=NOON, last_at=NOON)
        for _, _, path in kinds[:499]
    )

    deviations.store([(garage.pk, {kinds[499]: seen(), kinds[500]: seen()})], NOON)
    deviations.store([(garage.pk, {kinds[500]: seen(), kinds[0]: seen()})], NOON)
    other = ChargePoint.objects.create(identity="CP-2")
    deviations.store([(garage.pk, {kinds[500]: seen()}), (other.pk, {kinds[500]: seen()})], NOON)

    assert len(rows()) == 501
    assert rows()[0] == ("k", "a", "0", 2)
    assert rows()[-2:] == [("k", "a", "499", 1), ("k", "a", "500", 1)]
    assert Deviation.objects.get(path="500").charge_point == other


def test_a_row_that_another_process_has_made_meanwhile_is_added_to(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def atomic() -> Iterator[None]:
        Deviation.objects.create(
            charge_point=garage, **dict(zip(NAMES, KIND, strict=True)), count=4, first_at=NOON, last_at=NOON
        )
        with transaction.atomic():
            yield

    monkeypatch.setattr(deviations, "transaction", SimpleNamespace(atomic=atomic))
    deviations.store([(garage.pk, {KIND: seen(2)})], LATER)

    row = Deviation.objects.get()
    assert (row.count, row.first_at, row.last_at) == (6, NOON, LATER)


@pytest.mark.parametrize(("chosen", "count"), [(["station.deviated"], 1), ([], 0)])
def test_a_first_deviation_is_an_event_where_it_is_chosen(
    garage: ChargePoint, settings: Any, chosen: list[str], count: int
) -> None:
    settings.EVENT_TYPES = chosen

    deviations.store([(garage.pk, {KIND: seen(3)})], NOON)
    deviations.store([(garage.pk, {KIND: seen(3)})], LATER)

    found = [(row.type, row.station, row.site_id, row.content) for row in Event.objects.all()]
    data = dict(zip(NAMES, KIND, strict=True)) | {"detail": "detail"}
    assert found == [("station.deviated", "CP-1", garage.site_id, data)] * count


async def test_counts_stay_with_the_station_until_the_commit_before_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = SimpleNamespace(
        pk=1, last_seen_at=NOON, mirrored_at=None, clock_skew_s=None, deviations={KIND: seen()}
    )

    async def refuse(unit: object) -> None:
        raise JournalUnavailable

    monkeypatch.setattr(jobs.switchboard, "served", lambda: [SimpleNamespace(station=station)])
    monkeypatch.setattr(jobs.clocks, "watch", lambda station, unit: None)
    monkeypatch.setattr(jobs.journal, "commit", refuse)

    with pytest.raises(JournalUnavailable):
        await jobs.mirror_stations()

    assert list(station.deviations) == [KIND]
