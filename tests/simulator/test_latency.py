"""Latencies of several processes are merged into one summary."""

from __future__ import annotations

from simulator.latency import Latencies


def recorded(*milliseconds: int) -> Latencies:
    latencies = Latencies()
    for each in milliseconds:
        latencies.record("Heartbeat", each / 1000)
    return latencies


def test_merged_latencies_have_the_percentiles_of_all() -> None:
    every, odd, even = recorded(*range(1, 101)), recorded(*range(1, 101, 2)), recorded(*range(2, 101, 2))
    even.fail("Heartbeat", "timeout")
    every.fail("Heartbeat", "timeout")

    together = Latencies()
    together.add(odd)
    together.add(even)

    assert together.summary() == every.summary()
    assert together.count("Heartbeat") == 100 and together.count("Authorize") == 0


def test_taken_latencies_are_not_counted_again() -> None:
    latencies = recorded(1, 2, 3)

    taken = latencies.take()
    latencies.record("Heartbeat", 0.01)

    assert (taken.answers, latencies.answers, latencies.take().answers, latencies.answers) == (3, 1, 1, 0)
