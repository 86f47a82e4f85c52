"""The leases of connections: the newest connection wins, a late close changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ResponseError

from ocpp_server.live.redis.keys import FIND, HOLD, ONLINE, RELEASE, REMOVE_DEAD, RENEW
from tests.redis_scripts import START_MS, Bench

MICROSECONDS = START_MS * 1000 + 250
LEASE_MS = 30_000
ONLINE_NEWS, OFFLINE_NEWS = '["",[["online","A"]]]', '["",[["offline","A"]]]'


def keys(bench: Bench, *identities: str) -> list[str]:
    return [bench.keys.clients, *map(bench.keys.session, identities)]


def hold(bench: Bench, connection: str, fence: str = "") -> Any:
    """Register a connection of the station A. Returns the fence and the fields of the previous session."""
    fields = ("session_id", connection, "channel", "c1")
    arguments = ("A", LEASE_MS, fence, bench.keys.news, ONLINE_NEWS, *fields)
    written, before = bench.run(HOLD, keys(bench, "A"), *arguments)
    return written, dict(zip(before[::2], before[1::2], strict=True))


def release(bench: Bench, connection: str) -> Any:
    return bench.run(RELEASE, keys(bench, "A"), "A", connection, bench.keys.news, OFFLINE_NEWS)


def remove_dead(bench: Bench) -> Any:
    return bench.run(REMOVE_DEAD, keys(bench, "A"), "A", bench.keys.news, OFFLINE_NEWS)


# -- hold ----------------------------------------------------------------------------------------------


def test_a_new_connection_is_registered_and_published(bench: Bench) -> None:
    with bench.news() as news:
        assert hold(bench, "s1") == (str(MICROSECONDS), {})

    assert bench.content() == {
        "clients": {"A": START_MS + LEASE_MS},
        "session:A": {"fence": str(MICROSECONDS), "session_id": "s1", "channel": "c1"},
    }
    assert news == [["", [["online", "A"]]]]


def test_a_newer_connection_replaces_all_fields_of_the_earlier_one(bench: Bench) -> None:
    before = {"session_id": "s0", "extra": "1"}
    bench.client.hset(bench.keys.session("A"), mapping=before)

    assert hold(bench, "s1") == (str(MICROSECONDS), before)

    assert "extra" not in bench.content()["session:A"]


def test_a_newer_connection_is_newer_even_when_the_clock_was_set_back(bench: Bench) -> None:
    bench.client.hset(bench.keys.session("A"), "fence", MICROSECONDS + 5)

    assert hold(bench, "s1")[0] == str(MICROSECONDS + 6)


def test_a_connection_is_not_restored_over_a_newer_one(bench: Bench) -> None:
    newer = {"session_id": "s2", "fence": "6"}
    bench.client.hset(bench.keys.session("A"), mapping=newer)
    before = bench.content()

    with bench.news() as news:
        assert hold(bench, "s1", fence="5") == ("0", newer)

    assert (bench.content(), news) == (before, [])


@pytest.mark.parametrize("known", ["4", "5"])
def test_a_connection_is_restored_over_an_older_one_with_its_fence(bench: Bench, known: str) -> None:
    bench.client.hset(bench.keys.session("A"), "fence", known)

    assert hold(bench, "s1", fence="5") == ("5", {"fence": known})

    assert bench.content()["session:A"] == {"fence": "5", "session_id": "s1", "channel": "c1"}


def test_a_full_redis_refuses_a_connection_and_nothing_is_changed(bench: Bench) -> None:
    hold(bench, "s1")
    before = bench.content()

    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        hold(bench, "s2")

    assert bench.content() == before


# -- renew ---------------------------------------------------------------------------------------------


def test_a_renewal_extends_the_leases_of_this_process_only(bench: Bench) -> None:
    for identity in ("A", "B", "C"):
        bench.client.hset(bench.keys.session(identity), "session_id", f"s{identity}")
        bench.client.zadd(bench.keys.clients, {identity: START_MS})
    bench.move_clock(5000)

    pairs = ("A", "sA", "B", "other", "C", "sC", "D", "sD")
    states = bench.run(RENEW, keys(bench, "A", "B", "C", "D"), LEASE_MS, *pairs)

    until = START_MS + 5000 + LEASE_MS
    content = bench.content()
    assert states == [1, 0, 1, 0]
    assert content["clients"] == {"A": until, "B": START_MS, "C": until}
    activity = [content[f"session:{identity}"].get("last_activity") for identity in "ABC"]
    assert activity == [str(START_MS // 1000 + 5), None, str(START_MS // 1000 + 5)]
    assert "session:D" not in content


# -- find and online -----------------------------------------------------------------------------------


def test_a_connection_is_found_until_its_lease_ends(bench: Bench) -> None:
    hold(bench, "s1")
    bench.move_clock(LEASE_MS - 1)
    found = bench.run(FIND, keys(bench, "A"), "A")
    assert dict(zip(found[::2], found[1::2], strict=True))["session_id"] == "s1"

    bench.move_clock(1)

    assert bench.run(FIND, keys(bench, "A"), "A") == []


def test_a_lease_that_ends_in_this_instant_has_ended(bench: Bench) -> None:
    bench.client.hset(bench.keys.session("A"), "session_id", "s1")
    bench.client.zadd(bench.keys.clients, {"A": START_MS + 0.25})

    assert bench.run(FIND, keys(bench, "A"), "A") == []


def test_a_session_without_a_lease_is_not_found(bench: Bench) -> None:
    bench.client.hset(bench.keys.session("A"), "session_id", "s1")

    assert bench.run(FIND, keys(bench, "A"), "A") == []


def test_a_station_is_either_living_or_dead(bench: Bench) -> None:
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1, "B": START_MS, "C": START_MS + 1})

    assert bench.run(ONLINE, keys(bench), "living") == ["C"]
    assert bench.run(ONLINE, keys(bench), "dead") == ["A", "B"]


# -- release -------------------------------------------------------------------------------------------


def test_a_released_connection_is_removed_and_published(bench: Bench) -> None:
    hold(bench, "s1")
    bench.client.zadd(bench.keys.clients, {"B": START_MS})

    with bench.news() as news:
        assert release(bench, "s1") == 1

    assert bench.content() == {"clients": {"B": START_MS}}
    assert news == [["", [["offline", "A"]]]]


def test_a_late_release_of_a_replaced_connection_changes_nothing(bench: Bench) -> None:
    hold(bench, "s2")
    before = bench.content()

    with bench.news() as news:
        assert release(bench, "s1") == 0

    assert (bench.content(), news) == (before, [])


# -- dead connections ----------------------------------------------------------------------------------


def test_a_connection_whose_lease_has_ended_is_removed_and_published(bench: Bench) -> None:
    hold(bench, "s1")
    bench.move_clock(LEASE_MS)

    with bench.news() as news:
        assert remove_dead(bench) == 1

    assert (bench.content(), news) == ({}, [["", [["offline", "A"]]]])


@pytest.mark.parametrize("left_ms", [0.5, 1])
def test_a_connection_with_a_lease_is_not_removed(bench: Bench, left_ms: float) -> None:
    hold(bench, "s1")
    bench.client.zadd(bench.keys.clients, {"A": START_MS + left_ms})
    before = bench.content()

    assert remove_dead(bench) == 0

    assert bench.content() == before


def test_a_lease_that_ends_now_is_removed(bench: Bench) -> None:
    hold(bench, "s1")
    bench.client.zadd(bench.keys.clients, {"A": START_MS + 0.25})

    assert remove_dead(bench) == 1


def test_a_connection_that_was_removed_meanwhile_is_not_removed_again(bench: Bench) -> None:
    bench.client.hset(bench.keys.session("A"), "channel", "c1")

    with bench.news() as news:
        assert remove_dead(bench) == 0

    assert news == []


def test_the_connection_of_a_gateway_is_left_to_its_sweep(bench: Bench) -> None:
    bench.client.hset(bench.keys.session("A"), "session_id", "s1")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})
    before = bench.content()

    assert remove_dead(bench) == 0

    assert bench.content() == before


def test_an_expired_lease_without_a_session_is_removed(bench: Bench) -> None:
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})

    assert remove_dead(bench) == 1

    assert bench.content() == {}
