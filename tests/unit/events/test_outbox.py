"""Adding events: masking, the limit of their data, starred types, transactions."""

from __future__ import annotations

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from events.models import Event
from events.services import erasing
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging, stations
from ocpp_server.live.station import Station
from ocpp_server.storage.unit import Unit

SECURITY = {"eventType": "X", "fromStation": True, "time": "2026-01-01T00:00:00.000Z"}


def data_of(unit: Unit) -> list[str]:
    return [row[7] for _, row in unit.inserts]


@pytest.mark.parametrize(
    ("uid", "shown"),
    [
        ("04A1B2C3D4", "04A1••••"),
        ("12345678", "1234••••"),
        ("1234567", "12••••"),
        ("VID:001122334455", "VID:••••"),
        ("", ""),
    ],
)
def test_a_token_is_masked(uid: str, shown: str) -> None:
    assert outbox.masked_token(uid) == shown


def test_an_event_of_a_message_is_in_its_unit_of_work() -> None:
    station = Station(pk=1, identity="CP-7", version="ocpp1.6")
    station.site_pk = 3

    station.emit(stations.FIRMWARE, status="Installed")

    ((table, row),) = station.unit.inserts
    values = dict(zip(table.names, row, strict=True))
    assert (values["type"], values["station"], values["site_id"]) == ("firmware.status_changed", "CP-7", 3)
    assert (values["position"], values["sequence"], values["data"]) == (None, None, '{"status":"Installed"}')
    station.unit.clear()
    assert station.unit.when_stored is None


def test_a_starred_type_is_stored_only_when_it_is_chosen(settings: Settings) -> None:
    unit = Unit()
    data = {"clockSkewS": 90, "isSkewed": True}

    outbox.add(unit, stations.CLOCK_SKEWED, data, station="CP-7")
    settings.EVENT_TYPES = ["station.clock_*"]
    outbox.add(unit, stations.CLOCK_SKEWED, data, station="CP-7")

    assert data_of(unit) == ['{"clockSkewS":90,"isSkewed":true}']


def test_long_data_is_cut_to_8_kib_and_says_so() -> None:
    unit = Unit()

    outbox.add(unit, stations.SECURITY, {**SECURITY, "techInfo": "é" * 20_000})
    outbox.add(
        unit,
        stations.CONFIGURATION_CHANGED,
        {"changes": [{"key": "k" * 500, "reported": "r" * 500, "previous": "p" * 500}] * 40, "count": 40},
    )

    for text in data_of(unit):
        assert len(text.encode()) <= outbox.MAX_DATA
        assert text.endswith('"truncated":true}')


def test_data_of_another_field_is_refused() -> None:
    with pytest.raises(TypeError, match="firmware.status_changed has no field stats"):
        outbox.add(Unit(), stations.FIRMWARE, {"stats": "Installed"})


def test_ids_rise_with_time_and_are_unique() -> None:
    ids = [outbox.new_uid() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert [uid[:16] for uid in ids] == sorted(uid[:16] for uid in ids)
    assert {len(uid) for uid in ids} == {36}


@pytest.mark.django_db
def test_a_service_that_is_rolled_back_emits_nothing() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.emit(stations.FIRMWARE, station="CP-7", status="Installed")
        raise ZeroDivisionError

    assert not Event.objects.exists()


@pytest.mark.django_db
def test_an_erased_person_leaves_no_part_of_a_token() -> None:
    shown = {"type": "RFID", "status": "active", "contract_id": None}
    for pk, user in ((8, 5), (88, 6)):
        outbox.emit(
            charging.REFUSED,
            station="CP-7",
            idTag="04A1••••",
            tokenId=pk,
            status="Blocked",
            reason="",
            purpose="start",
            evseId=1,
        )
        outbox.emit(charging.TOKEN_CREATED, token_id=pk, uid="04A1••••", user_id=user, **shown)

    assert erasing.erase(user=5, tokens=[8]) == 2

    found = [event.content for event in Event.objects.order_by("id")]
    assert [each.get("idTag", each.get("uid")) for each in found] == ["••••", "••••", "04A1••••", "04A1••••"]
    assert [each.get("user_id") for each in found] == [None, None, None, 6]
