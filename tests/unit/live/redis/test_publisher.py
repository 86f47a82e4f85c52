"""The stations that a process publishes in Redis, and the news of their changes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ocpp_server.live import extensions
from ocpp_server.live.extensions import Extension
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import Publisher, running_state, running_text
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import AT, published, running, station_of


class Value(msgspec.Struct):
    value: Any


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The values of a station that an app publishes, by field. Another app publishes none."""
    values: dict[str, Any] = {}

    def show(station: Any) -> Any:
        return [(field, value, Value(value)) for field, value in values.items()]

    apps = {"silent": Extension(name="silent"), "shown": Extension(name="shown", show=show)}
    monkeypatch.setattr(extensions, "_extensions", apps)
    return values


@pytest.fixture
async def publisher(link: Link, bench: Bench, values: dict[str, Any]) -> Publisher:
    return Publisher(link, bench.keys, "P1")


def numbers(bench: Bench) -> set[str]:
    return set(bench.client.hkeys(bench.keys.transactions))


# -- running transactions ------------------------------------------------------------------------------


def test_other_processes_read_the_part_of_a_transaction_that_they_need() -> None:
    transaction = running(
        evse=1,
        connector=2,
        id_token="CARD",
        group_id="G",
        authorization_status="Accepted",
        energy_mwh=1500,
        suspect_reasons=["late"],
    )

    text = running_text(transaction)

    assert running_state(text) == transaction
    assert json.loads(text) == {
        "id": 1001,
        "ocpp_id": "1001",
        "station": "CP-1",
        "evse": 1,
        "connector": 2,
        "id_token": "CARD",
        "token_key": "card",
        "group_id": "G",
        "authorization_status": "Accepted",
        "energy_mwh": 1500,
        "energy_wh": 1.5,
        "suspect_reasons": ["late"],
        "started_at": "2026-05-04T12:00:00Z",
        "last_message_at": "2026-05-04T12:00:00Z",
    }


def test_the_energy_that_a_process_of_the_release_before_published_is_read() -> None:
    published = json.loads(running_text(running(energy_mwh=1500)))
    of_before = {name: value for name, value in published.items() if name != "energy_mwh"}
    without_energy = {name: value for name, value in of_before.items() if name != "energy_wh"}

    assert running_state(json.dumps(of_before)).energy_mwh == 1500
    assert running_state(json.dumps(without_energy)).energy_mwh == 0


async def test_a_running_transaction_is_written_and_published_once(
    publisher: Publisher, bench: Bench
) -> None:
    transaction = running()
    station = station_of(running(1000, is_active=False), transaction)

    publisher.changed(station)
    assert await published(publisher, bench) == [["running", running_text(transaction)]]
    assert bench.content() == {"business:transactions": {"1001": running_text(transaction)}}

    publisher.changed(station)
    assert await published(publisher, bench) == []
    assert publisher.pipelines == 1


@pytest.mark.parametrize(
    ("change", "is_published"),
    [
        ({"evse": 2}, True),
        ({"connector": 2}, True),
        ({"suspect_reasons": ["late"]}, True),
        ({"authorization_status": "Blocked"}, True),
        ({"token_key": "other"}, True),
        ({"energy_mwh": 1}, True),
        ({"last_message_at": AT + timedelta(seconds=3600)}, True),
        ({"last_message_at": AT + timedelta(seconds=3599)}, False),
        ({"charging_state": "Charging"}, False),
    ],
)
async def test_a_transaction_is_published_again_when_others_need_the_change(
    publisher: Publisher, bench: Bench, change: dict[str, Any], is_published: bool
) -> None:
    transaction = running()
    publisher.changed(station_of(transaction))
    await publisher.settled()

    for name, value in change.items():
        setattr(transaction, name, value)
    publisher.changed(station_of(transaction))

    news = await published(publisher, bench)
    assert news == ([["running", running_text(transaction)]] if is_published else [])
    assert (bench.client.hget(bench.keys.transactions, "1001") == running_text(transaction)) == (
        is_published or "charging_state" in change
    )


async def test_energy_is_published_with_the_first_watt_hour_only(publisher: Publisher, bench: Bench) -> None:
    transaction = running(energy_mwh=500)
    publisher.changed(station_of(transaction))
    await publisher.settled()

    transaction.energy_mwh = 5_000_000
    publisher.changed(station_of(transaction))

    assert await published(publisher, bench) == []


async def test_an_ended_transaction_is_removed_and_published_once(publisher: Publisher, bench: Bench) -> None:
    transaction, other = running(), running(1002)
    station = station_of(transaction, other)
    publisher.changed(station)
    await publisher.settled()

    transaction.is_active = False
    publisher.changed(station)
    assert await published(publisher, bench) == [["ended", 1001, "card"]]
    assert numbers(bench) == {"1002"}

    publisher.changed(station)
    assert await published(publisher, bench) == []


async def test_a_transaction_that_another_process_has_published_is_removed_when_it_ends_here(
    publisher: Publisher, bench: Bench
) -> None:
    bench.client.hset(bench.keys.transactions, "1001", "of another process")
    transaction = running()
    publisher.changed(station_of(running(1000, is_active=False), transaction))

    transaction.is_active = False

    assert await published(publisher, bench) == [["ended", 1001, "card"]]
    assert numbers(bench) == set()


# -- values of the apps --------------------------------------------------------------------------------


async def test_changed_values_of_an_app_are_written(
    publisher: Publisher, bench: Bench, values: dict[str, Any]
) -> None:
    values.update(a=1, b=2)
    publisher.changed(station_of())
    await publisher.settled()
    assert bench.content() == {
        "business:shown:CP-1": {"a": '{"value":1}', "b": '{"value":2}'},
        "business:stations": {"CP-1"},
    }

    bench.clear()
    values["b"] = 3
    publisher.changed(station_of())
    await publisher.settled()

    assert bench.content()["business:shown:CP-1"] == {"b": '{"value":3}'}


async def test_without_a_changed_value_nothing_is_written(
    publisher: Publisher, bench: Bench, values: dict[str, Any]
) -> None:
    values["a"] = 1
    publisher.changed(station_of())
    await publisher.settled()
    bench.clear()

    publisher.changed(station_of())
    await publisher.settled()

    assert bench.content() == {}


async def test_uncommitted_changes_are_published_after_their_commit(
    publisher: Publisher, bench: Bench
) -> None:
    uncommitted, other = station_of(running()), station_of(running(1002, "CP-2"), identity="CP-2")
    uncommitted.is_uncommitted = True

    publisher.changed(uncommitted)
    publisher.changed(other)
    await publisher.settled()
    assert numbers(bench) == {"1002"}

    uncommitted.is_uncommitted = False
    publisher.changed(uncommitted)
    await publisher.settled()
    assert numbers(bench) == {"1001", "1002"}


# -- which process publishes a station -----------------------------------------------------------------


async def test_a_process_publishes_a_station_until_it_no_longer_serves_it(
    publisher: Publisher, bench: Bench
) -> None:
    assert not publisher.publishes("CP-1")
    publisher.changed(station_of(running()))
    await publisher.settled()
    assert publisher.publishes("CP-1")

    publisher.end("CP-1")
    bench.clear()
    publisher.repeat()
    await publisher.settled()

    assert not publisher.publishes("CP-1")
    assert bench.content() == {}


async def test_a_station_that_returns_is_published_again_with_all_values(
    publisher: Publisher, bench: Bench, values: dict[str, Any]
) -> None:
    values["a"] = 1
    station = station_of(running())
    publisher.changed(station)
    await publisher.settled()
    before = bench.content()
    bench.clear()

    publisher.begin("CP-1")
    publisher.changed(station)
    await publisher.settled()

    assert bench.content() == before


@pytest.mark.parametrize("is_uncommitted", [False, True])
async def test_the_end_of_a_service_publishes_what_has_ended_unless_it_is_uncommitted(
    publisher: Publisher, bench: Bench, is_uncommitted: bool
) -> None:
    transaction = running()
    station = station_of(transaction)
    publisher.changed(station)
    await publisher.settled()

    transaction.is_active, station.is_uncommitted = False, is_uncommitted
    publisher.changed(station)
    publisher.end("CP-1")

    ended = [["ended", 1001, "card"]]
    assert await published(publisher, bench) == ([] if is_uncommitted else ended)
    assert numbers(bench) == ({"1001"} if is_uncommitted else set())


async def test_the_end_of_a_service_without_unwritten_changes_publishes_nothing(
    publisher: Publisher, bench: Bench
) -> None:
    publisher.changed(station_of(running()))
    await publisher.settled()

    publisher.end("CP-1")
    publisher.end("unknown")
    publisher.changed(station_of(identity="CP-2"))
    publisher.begin("CP-2")
    publisher.end("CP-2")

    assert await published(publisher, bench) == []
    assert numbers(bench) == {"1001"}


# -- other changes -------------------------------------------------------------------------------------


async def test_a_transaction_of_another_process_is_removed(publisher: Publisher, bench: Bench) -> None:
    bench.client.hset(bench.keys.transactions, mapping={"1001": "a", "1002": "b"})

    publisher.remove(1001)
    await publisher.settled()

    assert numbers(bench) == {"1002"}


async def test_a_changed_key_is_written_and_a_default_is_removed(publisher: Publisher, bench: Bench) -> None:
    bench.client.hset(bench.keys.config("CP-1"), mapping={"Gone": "1", "Kept": "2"})

    publisher.key_changed("CP-1", "Gone", None)
    publisher.key_changed("CP-1", "New", "")
    await publisher.settled()

    assert bench.content() == {"config:CP-1": {"Kept": "2", "New": ""}}


async def test_a_removed_station_leaves_no_key(
    publisher: Publisher, bench: Bench, values: dict[str, Any]
) -> None:
    values["a"] = 1
    for identity in ("CP-1", "CP-2"):
        publisher.changed(station_of(identity=identity))
        publisher.key_changed(identity, "Key", "1")
    await publisher.settled()
    for identity in ("CP-1", "CP-2"):
        publisher.key_changed(identity, "Key", "2")

    publisher.station_removed("CP-1")
    await publisher.settled()

    assert bench.content() == {
        "business:shown:CP-2": {"a": '{"value":1}'},
        "business:stations": {"CP-2"},
        "config:CP-2": {"Key": "2"},
    }
    assert not publisher.publishes("CP-1")


async def test_a_station_that_was_never_published_is_removed_at_once(
    publisher: Publisher, bench: Bench
) -> None:
    bench.client.sadd(bench.keys.stations, "CP-1")

    publisher.station_removed("CP-1")
    await publisher.settled()

    assert bench.content() == {}


async def test_the_values_of_a_station_are_written_again_after_redis_has_lost_them(
    publisher: Publisher, bench: Bench, values: dict[str, Any]
) -> None:
    values["a"] = 1
    publisher.changed(station_of())
    await publisher.settled()
    before = bench.content()
    bench.clear()

    publisher.repeat()
    await publisher.settled()

    assert bench.content() == before
