"""The counts of the queue for metrics and probes."""

from __future__ import annotations

from typing import Any

from ocpp_server.transport.queue.keys import script
from tests.redis_scripts import START_MS, QueueBench

DEPTH = script("depth")


def depth(bench: QueueBench, *, stations: int = 5000, heads: int = 10) -> Any:
    keys = bench.keys
    names = [keys.ready, keys.dead, keys.gateways, keys.processors, keys.deadlines]
    return bench.run(DEPTH, names, keys.requests(""), stations, heads)


def test_an_empty_queue_counts_nothing(bench: QueueBench) -> None:
    assert depth(bench) == [0, 0, 0, 0, 0, 0]


def test_each_count_has_its_place(bench: QueueBench) -> None:
    bench.push("A", "a1", "a2", "a3", waits_ms=2)
    bench.push("B", "b1", "b2", waits_ms=3)
    bench.client.lpush(bench.keys.dead, *"1234")
    bench.client.zadd(bench.keys.gateways, {"dead": START_MS - 1, "living": START_MS})
    living = {"dead": START_MS - 1, "x": START_MS, "y": START_MS + 9}
    bench.client.zadd(bench.keys.processors, living)
    bench.client.zadd(bench.keys.deadlines, dict.fromkeys("ABCDE", START_MS))
    before = bench.content()

    assert depth(bench) == [2, 5, 4, 1, 2, 5, "b1", "a1"]

    assert bench.content() == before


def test_the_heads_are_those_of_the_stations_that_wait_longest(bench: QueueBench) -> None:
    for waits_ms, identity in enumerate("ABCD"):
        bench.push(identity, f"{identity}1", f"{identity}2", waits_ms=waits_ms)

    assert depth(bench, heads=2)[6:] == ["D1", "C1"]


def test_only_a_limited_number_of_stations_is_counted(bench: QueueBench) -> None:
    for waits_ms, identity in enumerate("ABCD"):
        bench.push(identity, "1", waits_ms=waits_ms)

    assert depth(bench, stations=3)[:2] == [4, 3]


def test_a_due_station_without_messages_has_no_head(bench: QueueBench) -> None:
    bench.client.zadd(bench.keys.ready, {"A": START_MS - 1})
    bench.push("B", "b1")

    assert depth(bench, heads=1) == [2, 1, 0, 0, 0, 0, "b1"]
