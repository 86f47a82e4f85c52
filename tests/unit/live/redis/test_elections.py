"""The election of the housekeeper, the transaction numbers, and the mark that a flush removes."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.redis.keys import ELECT, MARK, NUMBER, RESIGN
from tests.redis_scripts import START_MS, Bench

LEASE_MS = 30_000


def elect(bench: Bench, process: str, candidacy: str = "spare") -> Any:
    return bench.run(ELECT, bench.keys.election, process, LEASE_MS, candidacy)


def resign(bench: Bench, process: str) -> Any:
    return bench.run(RESIGN, bench.keys.election, process)


# -- elections -----------------------------------------------------------------------------------------


def test_the_first_candidate_is_elected_and_no_other(bench: Bench) -> None:
    assert elect(bench, "P1") == 1
    assert elect(bench, "P2") == 0

    assert bench.content() == {"server:housekeeper": "P1"}
    assert bench.expires("server:housekeeper", LEASE_MS)


def test_the_housekeeper_renews_its_lease(bench: Bench) -> None:
    elect(bench, "P1")
    bench.client.pexpire(bench.keys.housekeeper, 15_000)

    assert elect(bench, "P1") == 1

    assert bench.expires("server:housekeeper", LEASE_MS)


def test_another_candidate_does_not_renew_the_lease(bench: Bench) -> None:
    elect(bench, "P1")
    bench.client.pexpire(bench.keys.housekeeper, 15_000)

    assert elect(bench, "P2") == 0

    assert bench.expires("server:housekeeper", 15_000)


def test_a_spare_resigns_for_a_process_with_the_role_housekeeping(bench: Bench) -> None:
    assert elect(bench, "spare") == 1
    assert elect(bench, "first", "first") == 0, "the spare is still the housekeeper"

    assert elect(bench, "spare") == 0
    assert elect(bench, "first", "first") == 1

    assert bench.content() == {"server:housekeeper": "first", "server:housekeeper:first": "first"}
    assert bench.expires("server:housekeeper:first", LEASE_MS)


def test_a_spare_does_not_stand_beside_a_process_with_the_role_housekeeping(bench: Bench) -> None:
    elect(bench, "first", "first")

    assert elect(bench, "spare") == 0

    assert bench.content()["server:housekeeper"] == "first"


def test_of_two_processes_with_the_role_housekeeping_one_is_elected(bench: Bench) -> None:
    assert elect(bench, "P1", "first") == 1
    assert elect(bench, "P2", "first") == 0


def test_a_process_that_resigns_makes_room_at_once(bench: Bench) -> None:
    elect(bench, "P1", "first")

    assert resign(bench, "P1") == 1

    assert bench.content() == {}


def test_a_process_resigns_only_for_itself(bench: Bench) -> None:
    elect(bench, "P1", "first")
    before = bench.content()

    assert resign(bench, "P2") == 0

    assert bench.content() == before


@pytest.mark.parametrize(("resigns", "left"), [("P1", "P2"), ("P2", "P1")])
def test_each_of_two_roles_is_given_up_by_its_process(bench: Bench, resigns: str, left: str) -> None:
    bench.client.mset(dict(zip(bench.keys.election, ("P1", "P2"), strict=True)))

    assert resign(bench, resigns) == (resigns == "P1")

    assert list(bench.content().values()) == [left]


# -- transaction numbers -------------------------------------------------------------------------------


def number(bench: Bench, floor: str = "") -> Any:
    return bench.run(NUMBER, [bench.keys.numbers], floor)


def test_numbers_increase(bench: Bench) -> None:
    bench.client.set(bench.keys.numbers, 1000)

    assert [number(bench), number(bench)] == [1001, 1002]


def test_without_a_last_number_none_is_issued(bench: Bench) -> None:
    assert number(bench) is None

    assert bench.content() == {}


@pytest.mark.parametrize(("last", "following"), [(None, 501), (499, 501), (500, 501), (501, 502)])
def test_the_next_number_is_above_the_floor_and_above_the_last_one(
    bench: Bench, last: int | None, following: int
) -> None:
    if last is not None:
        bench.client.set(bench.keys.numbers, last)

    assert number(bench, "500") == following


# -- the mark ------------------------------------------------------------------------------------------


def mark(bench: Bench, new: str, run: str = "run1", has_asked: str = "") -> Any:
    return bench.run(MARK, [bench.keys.mark], new, run, has_asked)


def test_the_first_caller_sets_the_mark(bench: Bench) -> None:
    assert mark(bench, "m1") == ["m1", "0", 1]

    assert bench.content() == {"server:birth": {"mark": "m1", "at": str(START_MS), "run": "run1"}}


@pytest.mark.parametrize(("run", "has_asked"), [("run1", ""), ("run1", "1"), ("run0", "")])
def test_a_later_caller_gets_the_mark_and_its_age(bench: Bench, run: str, has_asked: str) -> None:
    """A run id that the caller has not just read may be that of an earlier Redis."""
    mark(bench, "m1")
    before = bench.content()
    bench.move_clock(5000)

    assert mark(bench, "m2", run, has_asked) == ["m1", "5000", 0]

    assert bench.content() == before


def test_after_a_restart_with_older_data_the_mark_is_set_again(bench: Bench) -> None:
    mark(bench, "m1")
    bench.move_clock(5000)

    assert mark(bench, "m2", "run2", "1") == ["m2", "0", 1]

    assert bench.content() == {"server:birth": {"mark": "m2", "at": str(START_MS + 5000), "run": "run2"}}
