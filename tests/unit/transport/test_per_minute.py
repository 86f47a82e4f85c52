"""The counters of one minute: their limits, and that an attacker can't make them grow."""

from __future__ import annotations

import pytest

from ocpp_server.transport.handshake import per_minute
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute, PerMinute

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def distinct(clock: Clock) -> DistinctPerMinute:
    return DistinctPerMinute(clock=clock)


def test_further_identities_of_one_address_are_refused_and_those_of_another_are_not(
    distinct: DistinctPerMinute,
) -> None:
    refused = [distinct.refused(HERE, f"CP-{number}", 3) for number in range(6)]

    assert refused == [0, 0, 0, 1, 2, 3]
    assert distinct.refused(THERE, "CP-9", 3) == 0


def test_an_identity_counts_once_whatever_its_case(distinct: DistinctPerMinute) -> None:
    tried = ["CP-1", "cp-1", "CP-1", "CP-2", "CP-3", "Cp-1"]

    assert [distinct.refused(HERE, identity, 2) for identity in tried] == [0, 0, 0, 0, 1, 0]


def test_the_next_minute_lets_other_identities_in(distinct: DistinctPerMinute, clock: Clock) -> None:
    for number in range(5):
        distinct.refused(HERE, f"CP-{number}", 2)

    clock.now += 60

    assert [distinct.refused(HERE, f"CP-{number}", 2) for number in (4, 3, 2)] == [0, 0, 1]


def test_refused_identities_take_no_memory(distinct: DistinctPerMinute) -> None:
    for number in range(10_000):
        distinct.refused(HERE, f"CP-{number}", 5)

    assert len(distinct._tried[HERE].identities) == 5


def test_addresses_beyond_the_table_share_one_limit(
    monkeypatch: pytest.MonkeyPatch, distinct: DistinctPerMinute
) -> None:
    monkeypatch.setattr(per_minute, "MAX_ADDRESSES", 10)

    refused = [distinct.refused(f"2001:db8:{number:x}::/64", "CP", 1) for number in range(100)]
    others = [distinct.refused(f"198.51.100.{number}", f"CP-{number}", 1) for number in range(100)]

    assert refused == [0] * 100  # one name, from anywhere, is one name
    assert others == list(range(1, 101))
    assert len(distinct._tried) == 11


def test_a_counter_counts_each_name_and_starts_again_after_a_minute(clock: Clock) -> None:
    counter = PerMinute(clock=clock)

    assert [counter.count("404 here"), counter.count("404 here"), counter.count("401 here")] == [1, 2, 1]
    clock.now += 60
    assert counter.count("404 here") == 1


def test_a_counter_has_a_bounded_number_of_names(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(per_minute, "MAX_ADDRESSES", 10)
    counter = PerMinute(clock=clock)

    counts = [counter.count(f"name {number}") for number in range(15)]

    assert counts == [1] * 10 + [1, 2, 3, 4, 5]
    assert len(counter._counts) == 11


def test_what_is_beyond_the_table_counts_under_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, distinct: DistinctPerMinute
) -> None:
    monkeypatch.setattr(per_minute, "MAX_ADDRESSES", 1)
    counter = PerMinute(clock=clock)
    for name in (HERE, THERE):
        counter.count(name)
        distinct.refused(name, "CP", 1)

    assert set(counter._counts) == set(distinct._tried) == {HERE, "others"}


def test_a_minute_begins_with_its_first_call_and_lasts_sixty_seconds(clock: Clock) -> None:
    counter = PerMinute(clock=clock)
    counter.count(HERE)

    clock.now += 59.9
    assert counter.count(HERE) == 2
    clock.now += 0.1
    assert counter.count(HERE) == 1
    clock.now += 59.9
    assert counter.count(HERE) == 2


def test_an_attacker_with_many_addresses_takes_the_memory_of_five_thousand(clock: Clock) -> None:
    counter = PerMinute(clock=clock)
    for number in range(5_010):
        counter.count(f"address {number}")

    assert len(counter._counts) == 5_001
    assert counter.count("address 5009") == 11
