"""The stored keys of a live station: kept in its slot, and read again after a change or a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chargepoints.models import ChargePoint
from configuration.live import stored_keys
from configuration.models import StoredKey
from configuration.services.variables import catalogue
from ocpp_server.live import extensions
from ocpp_server.live.extensions import load_station
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import journal

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "HeartbeatInterval"


@pytest.fixture
async def garage() -> AsyncIterator[Station]:
    def create() -> int:
        row = ChargePoint.objects.create(identity="GARAGE")
        StoredKey.objects.create(charge_point=row, key=KEY, value="45")
        StoredKey.objects.create(charge_point=row, key="AuthorizationKey", value="0aF1" * 8)
        return row.pk

    journal.start()
    yield await journal.run(load_station, await journal.run(create), V16)
    await journal.stop()


async def test_the_keys_come_without_secrets_and_from_the_slot_the_second_time(garage: Station) -> None:
    first = await stored_keys(garage)
    # A change without news, as by `manage.py shell` beside an embedded server.
    await journal.run(lambda: StoredKey.objects.update(value="46"))

    again = await stored_keys(garage)

    assert first == again == {KEY: "45"}


async def test_a_changed_key_is_read_again_and_so_are_the_keys_of_a_reloaded_station(garage: Station) -> None:
    await stored_keys(garage)

    assert await journal.run(catalogue.change_sync, garage.pk, KEY, "47") == "Accepted"
    after_change = await stored_keys(garage)
    await journal.run(lambda: StoredKey.objects.filter(key=KEY).update(value="48"))
    garage.take_over(await journal.run(load_station, garage.pk, V16))

    assert (after_change, await stored_keys(garage)) == ({KEY: "47"}, {KEY: "48"})


async def test_after_missed_news_the_keys_are_read_again(garage: Station) -> None:
    await stored_keys(garage)
    await journal.run(lambda: StoredKey.objects.filter(key=KEY).update(value="49"))

    extensions.forget()

    assert await stored_keys(garage) == {KEY: "49"}
