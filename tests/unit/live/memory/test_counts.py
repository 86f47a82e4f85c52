"""Recent events, probes and places."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ocpp_server.live import recent
from ocpp_server.live.probes import MemoryProbes
from ocpp_server.live.recent import MemoryRecent
from ocpp_server.live.records import (
    Places,
)


async def test_an_event_counts_for_a_minute_by_kind_address_and_identity(clock: SimpleNamespace) -> None:
    events = MemoryRecent()
    assert [await events.note("a", "CP-1", "login") for _ in range(2)] == [1, 2]
    clock.now += 59.9
    assert await events.note("a", "cp-1", "login") == 3

    assert await events.counts("a", "Cp-1", "login", "other") == [3, 0]
    assert await events.counts("b", "CP-1", "login") == await events.counts("a", "CP-2", "login") == [0]
    clock.now += 0.1
    assert await events.counts("a", "CP-1", "login") == [1]


async def test_an_event_above_the_limit_waits_until_the_oldest_is_a_minute_old(
    clock: SimpleNamespace,
) -> None:
    events = MemoryRecent()
    for _ in range(2):
        assert await events.take("a", "CP-1", "boot", 2) == 0
        clock.now += 10

    assert await events.take("a", "cp-1", "boot", 2) == pytest.approx(40)
    assert await events.counts("a", "CP-1", "boot") == [2]
    # With a lower limit, the latest ones count.
    assert await events.take("a", "CP-1", "boot", 1) == pytest.approx(50)

    await events.forget("a", "cp-1", "boot")
    await events.forget("a", "CP-9", "boot")
    assert await events.take("a", "CP-1", "boot", 2) == 0


async def test_the_events_that_were_noted_longest_ago_are_dropped_beyond_50000(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recent.TRACKED == 50_000
    monkeypatch.setattr(recent, "TRACKED", 2)
    events = MemoryRecent()

    for address in ("a", "b", "a", "c"):
        await events.note(address, "", "login")

    assert [await events.counts(address, "", "login") for address in "abc"] == [[2], [0], [1]]


async def test_a_probe_and_its_confirmation_are_valid_for_five_seconds(clock: SimpleNamespace) -> None:
    asked = MemoryProbes()
    await asked.request("k1")
    await asked.confirm("k2")
    clock.now += 4.9
    assert (await asked.requested(), await asked.is_confirmed("k2")) == (["k1"], True)
    assert not await asked.is_confirmed("k1")

    clock.now += 0.1
    assert (await asked.requested(), await asked.is_confirmed("k2")) == ([], False)


@pytest.mark.parametrize(("station", "site", "is_in"), [(1, None, True), (2, 5, True), (2, 6, False)])
def test_places_are_stations_and_sites(station: int, site: int | None, is_in: bool) -> None:
    assert Places(frozenset({1}), frozenset({5})).include(station, site) is is_in


def test_a_station_without_a_site_is_at_no_place_of_a_site() -> None:
    assert not Places(sites=frozenset({5})).include(5, None)
    assert not Places().include(1, 5)
