"""The pipelines in which a process writes its changes to Redis."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import Publisher
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import published, running, station_of


@pytest.fixture
async def publisher(link: Link, bench: Bench) -> Publisher:
    return Publisher(link, bench.keys, "P1")


async def in_flight(publisher: Publisher) -> None:
    """Begin a pipeline, and return while Redis has not answered it."""
    publisher.publish("first")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert publisher.pipelines == 1


async def test_changes_of_one_moment_become_one_pipeline(publisher: Publisher, bench: Bench) -> None:
    publisher.publish("first")
    publisher.publish("second", 2)
    publisher.changed(station_of(running()))

    assert [one[0] for one in await published(publisher, bench)] == ["first", "second", "running"]
    assert publisher.pipelines == 1


async def test_a_large_pipeline_does_not_hold_up_the_commands_of_others(
    publisher: Publisher, bench: Bench
) -> None:
    """It is no transaction, whose commands Redis would run without a break."""
    bench.client.config_resetstat()
    publisher.changed(station_of(running()))
    await publisher.settled()

    assert "cmdstat_hset" in bench.client.info("commandstats")
    assert "cmdstat_exec" not in bench.client.info("commandstats")


async def test_changes_during_a_pipeline_become_the_next_one(publisher: Publisher, bench: Bench) -> None:
    with bench.news() as news:
        await in_flight(publisher)
        publisher.publish("second")
        publisher.publish("third")
        await publisher.settled()

    assert news == [["P1", [["first"]]], ["P1", [["second"], ["third"]]]]
    assert publisher.pipelines == 2


@pytest.mark.parametrize("kind", ["station", "news", "removed", "key", "station removed"])
async def test_each_change_during_a_pipeline_is_written_after_it(
    publisher: Publisher, bench: Bench, kind: str
) -> None:
    bench.client.hset(bench.keys.transactions, "1000", "ended")
    bench.client.sadd(bench.keys.stations, "CP-2")
    await in_flight(publisher)

    match kind:
        case "station":
            publisher.changed(station_of(running()))
        case "news":
            publisher.publish("second")
        case "removed":
            publisher.remove(1000)
        case "key":
            publisher.key_changed("CP-1", "Key", "1")
        case _:
            publisher.station_removed("CP-2")
    await publisher.settled()

    assert publisher.pipelines == 2
