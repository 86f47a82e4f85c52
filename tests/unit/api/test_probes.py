"""The cache of probes' keys: one lookup at a time, and a key that stays valid while the database is away."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError

from ocpp_server import credentials
from ocpp_server.api import probes, server

DAY_S = 24 * 3600.0


class Keys:
    """The stored keys. `find` answers, fails or hangs as a test says."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.valid = {"good", "other"}
        self.error: Exception | None = None
        self.reached = threading.Event()
        self.released = threading.Event()
        self.released.set()

    def digest(self, plain: str) -> str:
        return f"digest of {plain}"

    def find(self, plain: str) -> str | None:
        self.asked.append(plain)
        self.reached.set()
        assert self.released.wait(30)
        if self.error is not None:
            raise self.error
        return f"key {plain}" if plain in self.valid else None


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    made = Keys()
    monkeypatch.setattr(credentials.port, "app", made)
    monkeypatch.setattr(server.port, "app", SimpleNamespace(is_running=lambda: True))
    monkeypatch.setattr(probes, "_known", OrderedDict())
    monkeypatch.setattr(probes, "_asked", OrderedDict())
    monkeypatch.setattr(probes, "connection", SimpleNamespace(close=lambda: None))  # of the looking thread
    yield made
    made.released.set()


class Clock:
    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(probes, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def find(plain: str) -> Any:
    return probes.find(plain)


def test_before_the_engine_runs_a_key_is_asked_of_the_database_each_time(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.port, "app", SimpleNamespace(is_running=lambda: False))

    assert [find("good"), find("good"), find("bad")] == ["key good", "key good", None]
    assert keys.asked == ["good", "good", "bad"]


def test_a_valid_key_is_asked_again_after_half_a_minute(keys: Keys, clock: Clock) -> None:
    assert find("good") == "key good"
    clock.now += 29.9
    assert find("good") == "key good"
    assert keys.asked == ["good"]

    clock.now += 0.1
    assert find("good") == "key good"
    assert keys.asked == ["good", "good"]
    clock.now += 29.9
    find("good")
    assert len(keys.asked) == 2


def test_each_key_is_cached_for_itself(keys: Keys, clock: Clock) -> None:
    assert [find("good"), find("other"), find("good")] == ["key good", "key other", "key good"]
    assert keys.asked == ["good", "other"]


def test_an_unknown_key_is_asked_each_time(keys: Keys, clock: Clock) -> None:
    assert [find("bad"), find("bad")] == [None, None]
    assert keys.asked == ["bad", "bad"]


def test_a_revoked_key_is_refused_with_its_next_lookup_and_stays_so(keys: Keys, clock: Clock) -> None:
    find("good")
    keys.valid.clear()
    clock.now += 30

    assert find("good") is None
    keys.error = DatabaseError("away")
    with pytest.raises(OperationalError):
        find("good")


def test_a_key_stays_valid_for_a_day_while_the_database_is_away(keys: Keys, clock: Clock) -> None:
    find("good")
    keys.error = DatabaseError("away")

    clock.now += DAY_S
    assert find("good") == "key good"


def test_a_key_that_was_valid_more_than_a_day_ago_is_not_trusted(keys: Keys, clock: Clock) -> None:
    find("good")
    keys.error = DatabaseError("away")

    clock.now += DAY_S + 1
    with pytest.raises(OperationalError, match="away"):
        find("good")


def test_an_outage_is_asked_about_twice_a_minute(keys: Keys, clock: Clock) -> None:
    find("good")
    keys.error = DatabaseError("away")
    clock.now += 100

    find("good")
    clock.now += 29.9
    find("good")
    assert len(keys.asked) == 2
    clock.now += 0.1
    find("good")
    assert len(keys.asked) == 3


def test_an_outage_does_not_prolong_the_day_of_a_key(keys: Keys, clock: Clock) -> None:
    find("good")
    keys.error = DatabaseError("away")
    for _ in range(24):
        clock.now += 3600
        assert find("good") == "key good"

    clock.now += 3600
    with pytest.raises(OperationalError):
        find("good")


def test_an_unknown_key_can_not_be_checked_while_the_database_is_away(keys: Keys, clock: Clock) -> None:
    keys.error = DatabaseError("")

    with pytest.raises(OperationalError, match=r"The database does not answer\."):
        find("good")


def test_a_hanging_database_counts_as_away_and_is_asked_once(
    keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "LOOKUP_TIMEOUT_S", 0.0)
    keys.released.clear()

    for _ in range(3):
        with pytest.raises(OperationalError):
            find("good")
        assert keys.reached.wait(30)
    assert keys.asked == ["good"]


def test_a_lookup_may_take_a_second_and_a_half(
    keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the other parts of the state, a probe is answered within four seconds."""
    waits: list[float] = []

    def never(timeout: float) -> None:
        waits.append(timeout)
        raise TimeoutError

    hanging = SimpleNamespace(done=lambda: False, result=never)
    monkeypatch.setattr(probes, "in_thread", lambda ask, *, name: hanging)

    with pytest.raises(OperationalError):
        find("good")
    assert waits == [1.5]


def test_a_lookup_that_ended_late_is_not_used_again(
    keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(probes, "LOOKUP_TIMEOUT_S", 0.0)
        keys.released.clear()
        with pytest.raises(OperationalError):
            find("good")
    keys.valid.clear()
    keys.released.set()
    threads = [one for one in threading.enumerate() if one.name == "probe-key"]
    for thread in threads:
        thread.join()

    keys.valid.add("good")
    assert find("good") == "key good"
    assert keys.asked == ["good", "good"]


def test_a_lookup_returns_its_connection_whatever_its_end(
    keys: Keys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    thread = threading.current_thread
    monkeypatch.setattr(probes, "connection", SimpleNamespace(close=lambda: closed.append(thread().name)))

    find("good")
    keys.error = DatabaseError("away")
    with pytest.raises(OperationalError):
        find("other")

    assert closed == ["probe-key", "probe-key"]


def test_a_hundred_keys_are_kept_and_the_oldest_is_dropped(keys: Keys, clock: Clock) -> None:
    names = [f"k{number}" for number in range(101)]
    keys.valid.update(names)
    asked: Callable[[str], int] = keys.asked.count

    for name in names[:100]:
        find(name)
    find("k0")
    assert asked("k0") == 1

    find("k100")
    find("k1")
    assert asked("k1") == 1
    find("k0")
    assert asked("k0") == 2
