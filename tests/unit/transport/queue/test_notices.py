"""Controls from a process of the server about a station at a gateway."""

from __future__ import annotations

import pytest

from tests.redis_scripts import START_MS, QueueBench


@pytest.mark.parametrize("session", ["s1", ""])
async def test_a_control_for_the_processor_makes_the_station_due(bench: QueueBench, session: str) -> None:
    bench.connect("A")

    assert await bench.script("notify", "A", session, "request", "<changed>") == 1

    assert bench.lists("requests:A", "responses:A", "server:bell") == {
        "requests:A": ["<changed>"],
        "server:bell": ["1"],
    }
    assert bench.client.zscore(bench.keys.ready, "A") == START_MS


async def test_a_station_that_is_due_keeps_its_place_and_wakes_up_no_processor_again(
    bench: QueueBench,
) -> None:
    bench.push("A", "1", waits_ms=100)

    assert await bench.script("notify", "A", "", "request", "<changed>") == 1

    assert bench.lists("requests:A", "server:bell") == {"requests:A": ["1", "<changed>"]}
    assert bench.client.zscore(bench.keys.ready, "A") == START_MS - 100


async def test_a_control_for_the_gateway_wakes_it_up(bench: QueueBench) -> None:
    bench.connect("A")

    assert await bench.script("notify", "A", "s1", "response", "<close>") == 1

    assert bench.lists("requests:A", "responses:A", "gateway:gw") == {
        "responses:A": ["<close>"],
        "gateway:gw": ["A"],
    }


async def test_a_control_about_an_earlier_session_is_not_pushed(bench: QueueBench) -> None:
    bench.connect("A", session="s2")
    before = bench.content()

    for direction in ("request", "response"):
        assert await bench.script("notify", "A", "s1", direction, "<control>") == 0

    assert bench.content() == before


async def test_a_legacy_gateway_gets_no_control(bench: QueueBench) -> None:
    bench.connect("A", dialect="older")
    before = bench.content()

    assert await bench.script("notify", "A", "s1", "response", "<close>") == 0

    assert bench.content() == before


async def test_a_control_for_a_station_without_a_session_wakes_up_no_gateway(bench: QueueBench) -> None:
    assert await bench.script("notify", "A", "", "response", "<close>") == 1

    assert list(bench.content()) == ["responses:A"]


async def test_a_replaced_connection_wakes_up_its_gateway_and_a_processor(bench: QueueBench) -> None:
    assert await bench.script("replaced", "A", "gw", "<replaced>") == 1

    assert bench.lists("requests:A", "gateway:gw", "server:bell") == {
        "requests:A": ["<replaced>"],
        "gateway:gw": ["A"],
        "server:bell": ["1"],
    }
    assert bench.expires("gateway:gw", 120_000)


async def test_a_replaced_connection_without_a_gateway_wakes_up_a_processor_only(bench: QueueBench) -> None:
    assert await bench.script("replaced", "A", "", "<replaced>") == 1

    assert sorted(bench.content()) == ["requests:A", "server:bell", "server:ready"]
