"""The counts of recent events, and the requests of probes, which all processes share."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.redis import probes, recent
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.recent import RedisRecent
from tests.redis_scripts import START_MS, Bench

WINDOW_MS = 60_000


def key(bench: Bench, kind: str = "refused") -> str:
    return bench.keys.recent(kind, "192.0.2.1", "A")


def counts(bench: Bench, *kinds: str) -> Any:
    return bench.run(recent._COUNTS, [key(bench, kind) for kind in kinds], WINDOW_MS)


def note(bench: Bench, event: str) -> Any:
    return bench.run(recent._NOTE, [key(bench)], WINDOW_MS, event)


def take(bench: Bench, event: str, limit: int = 2) -> Any:
    return bench.run(recent._TAKE, [key(bench)], WINDOW_MS, event, limit)


# -- notes and counts ----------------------------------------------------------------------------------


def test_events_of_the_window_are_counted_by_kind(bench: Bench) -> None:
    inside = {"a": START_MS - WINDOW_MS + 1, "b": START_MS}
    bench.client.zadd(key(bench, "x"), {"old": START_MS - WINDOW_MS} | inside)
    bench.client.zadd(key(bench, "y"), {"c": START_MS})

    assert counts(bench, "x", "none", "y") == [2, 0, 1]


def test_a_noted_event_is_counted_until_it_leaves_the_window(bench: Bench) -> None:
    assert note(bench, "a") == 1
    bench.move_clock(WINDOW_MS - 1)
    assert note(bench, "b") == 2
    bench.move_clock(1)

    assert note(bench, "c") == 2

    assert list(bench.content().values()) == [{"b": START_MS + WINDOW_MS - 1, "c": START_MS + WINDOW_MS}]
    assert bench.expires("recent:refused:192.0.2.1:A", WINDOW_MS)


def test_at_most_1000_events_are_kept_the_latest_ones(bench: Bench) -> None:
    first = {f"e{number}": START_MS - 1000 + number for number in range(999)}
    bench.client.zadd(key(bench), first)

    assert note(bench, "a") == 1000
    assert note(bench, "b") == 1000

    kept = bench.client.zrange(key(bench), 0, -1)
    assert (kept[0], kept[-2:]) == ("e1", ["a", "b"])


# -- limits --------------------------------------------------------------------------------------------


def test_an_event_beyond_the_limit_waits_until_the_first_leaves_the_window(bench: Bench) -> None:
    assert take(bench, "a") == 0
    bench.move_clock(1000)
    assert take(bench, "b") == 0
    assert bench.expires("recent:refused:192.0.2.1:A", WINDOW_MS)
    before = bench.content()
    bench.move_clock(1000)

    assert take(bench, "c") == WINDOW_MS - 2000

    assert bench.content() == before
    bench.move_clock(WINDOW_MS - 2001)
    assert take(bench, "c") == 1
    bench.move_clock(1)
    assert take(bench, "c") == 0
    assert list(bench.client.zrange(key(bench), 0, -1)) == ["b", "c"]


def test_after_the_limit_was_lowered_enough_events_must_leave_the_window(bench: Bench) -> None:
    bench.client.zadd(key(bench), {name: START_MS + n for n, name in enumerate("abcde", 1)})

    assert take(bench, "f", limit=2) == WINDOW_MS + 4


# -- probes --------------------------------------------------------------------------------------------


def test_a_probe_is_requested_until_it_expires(bench: Bench) -> None:
    bench.run(probes._REQUEST, [bench.keys.probes], "s1", 50_000)
    assert bench.expires("probes", 50_000)
    bench.move_clock(50_000)

    assert bench.run(probes._REQUESTS, [bench.keys.probes]) == ["s1"]
    bench.run(probes._REQUEST, [bench.keys.probes], "s2", 50_000)
    assert bench.run(probes._REQUESTS, [bench.keys.probes]) == ["s2"]


def test_a_request_that_has_expired_is_not_reported_and_is_removed_by_the_next(bench: Bench) -> None:
    bench.client.zadd(bench.keys.probes, {"old": START_MS - 1, "s1": START_MS, "s2": START_MS + 1})

    assert bench.run(probes._REQUESTS, [bench.keys.probes]) == ["s1", "s2"]
    bench.run(probes._REQUEST, [bench.keys.probes], "s3", 5000)

    assert bench.content()["probes"] == {"s2": START_MS + 1, "s3": START_MS + 5000}


# -- the class, as the engine calls it -----------------------------------------------------------------


@pytest.fixture
async def counts_of_all(link: Link, bench: Bench) -> RedisRecent:
    return RedisRecent(link, bench.keys)


async def test_events_are_counted_for_all_processes_by_kind_address_and_identity(
    counts_of_all: RedisRecent, link: Link, bench: Bench
) -> None:
    another_process = RedisRecent(link, bench.keys)

    assert await counts_of_all.note("192.0.2.1", "Straße", "x") == 1
    assert await another_process.note("192.0.2.1", "STRASSE", "x") == 2

    assert await counts_of_all.counts("192.0.2.1", "strasse", "x", "y") == [2, 0]
    assert await counts_of_all.counts("192.0.2.2", "strasse", "x") == [0]
    assert await counts_of_all.counts("192.0.2.1", "other", "x") == [0]


async def test_an_event_beyond_the_limit_has_to_wait_for_up_to_a_minute(counts_of_all: RedisRecent) -> None:
    assert await counts_of_all.take("192.0.2.1", "A", "x", 1) == 0

    assert 0 < await counts_of_all.take("192.0.2.1", "a", "x", 1) <= 60
    assert await counts_of_all.counts("192.0.2.1", "A", "x") == [1]


async def test_a_wait_is_told_in_seconds(counts_of_all: RedisRecent, bench: Bench) -> None:
    seconds, microseconds = bench.client.time()
    now_ms = seconds * 1000 + microseconds // 1000
    bench.client.zadd(bench.keys.recent("x", "192.0.2.1", "a"), {"e": now_ms - 30_000})

    assert 20 < await counts_of_all.take("192.0.2.1", "A", "x", 1) <= 30.001


async def test_a_forgotten_count_is_zero(counts_of_all: RedisRecent) -> None:
    await counts_of_all.note("192.0.2.1", "A", "x")
    await counts_of_all.note("192.0.2.1", "A", "y")

    await counts_of_all.forget("192.0.2.1", "a", "x")

    assert await counts_of_all.counts("192.0.2.1", "A", "x", "y") == [0, 1]
