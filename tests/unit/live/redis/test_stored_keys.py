"""The stored configuration of all stations, as it is written to Redis."""

from __future__ import annotations

import pytest

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.redis import leases
from ocpp_server.live.redis.configuration import refill_keys
from ocpp_server.live.redis.link import Link
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import Stored


async def test_the_keys_of_redis_become_those_of_the_database(
    link: Link, bench: Bench, stored: Stored
) -> None:
    bench.client.hset(bench.keys.config("A"), mapping={"Gone": "1", "Changed": "1"})
    bench.client.hset(bench.keys.config("B"), "Gone", "1")
    stored.keys = {"A": {"Changed": "2"}, "B": {}, "C": {"New": "3"}}

    await refill_keys(link, bench.keys)

    assert bench.content() == {"config:A": {"Changed": "2"}, "config:C": {"New": "3"}}


async def test_a_key_that_changes_meanwhile_is_written_again(
    link: Link, bench: Bench, stored: Stored
) -> None:
    stored.keys = {"A": {"Key": "1"}, "B": {"Key": "1"}}
    readings: list[str] = []

    def change(name: str) -> None:
        readings.append(name)
        if len(readings) == 2:
            # Another process has changed A, and has written it before the older value was.
            stored.keys["A"] = {"Key": "2"}
            bench.client.hset(bench.keys.config("B"), "Key", "left alone")

    stored.reading = change

    await refill_keys(link, bench.keys)

    assert bench.content() == {"config:A": {"Key": "2"}, "config:B": {"Key": "left alone"}}
    assert len(readings) == 3


async def test_a_station_is_never_without_its_keys(link: Link, bench: Bench, stored: Stored) -> None:
    bench.client.hset(bench.keys.config("A"), "Key", "1")
    stored.keys = {"A": {"Key": "2"}}

    bench.client.config_resetstat()
    await refill_keys(link, bench.keys)

    assert bench.client.info("commandstats")["cmdstat_exec"]["calls"] == 1


async def test_many_stations_are_written_in_parts(
    link: Link, bench: Bench, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "CHUNK", 2)
    stored.keys = {identity: {"Key": identity} for identity in "ABC"}

    await refill_keys(link, bench.keys)

    assert bench.content() == {f"config:{identity}": {"Key": identity} for identity in "ABC"}


async def test_a_redis_that_refuses_is_reported(link: Link, bench: Bench, stored: Stored) -> None:
    stored.keys = {"A": {"Key": "1"}}

    with bench.full(), pytest.raises(LiveStateUnavailable):
        await refill_keys(link, bench.keys)
