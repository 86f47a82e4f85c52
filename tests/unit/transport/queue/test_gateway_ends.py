"""The ends of connections to gateways: closed by the gateway, or swept when it has died."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.exceptions import ResponseError

from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.gateway_side import SWEEP, GatewayQueue, Sweeper
from tests.redis_scripts import START_MS, QueueBench

# -- close ---------------------------------------------------------------------------------------------


async def close(bench: QueueBench, *stations: tuple[str, str]) -> int:
    ended = [(identity, session, "ocpp1.6", f"reason {identity}") for identity, session in stations]
    return await GatewayQueue("gw").close(bench.wire, ended)


async def test_closed_connections_are_removed_and_published(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity, f"s{identity}")

    with bench.news() as news:
        assert await close(bench, ("A", "sA"), ("C", "sC")) == 2

    content = bench.content()
    assert sorted(content) == [
        "clients",
        "requests:A",
        "requests:C",
        "server:bell",
        "server:ready",
        "session:B",
    ]
    assert content["clients"] == {"B": START_MS + 60_000}
    assert content["server:ready"] == {"A": START_MS, "C": START_MS}
    assert content["server:bell"] == ["1", "1"]
    pushed = [envelope.parse(content[f"requests:{identity}"][0]) for identity in "AC"]
    assert [(one.event, one.session_id, one.reason) for one in pushed] == [
        ("disconnect", "sA", "reason A"),
        ("disconnect", "sC", "reason C"),
    ]
    assert news == [["", [["offline", "A"]]], ["", [["offline", "C"]]]]


async def test_a_late_close_of_a_replaced_connection_changes_nothing(bench: QueueBench) -> None:
    bench.connect("A", "s2")
    before = bench.content()

    with bench.news() as news:
        assert await close(bench, ("A", "s1"), ("B", "s1")) == 0

    assert (bench.content(), news) == (before, [])


async def test_a_closed_station_that_is_due_keeps_its_place(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", waits_ms=50)

    assert await close(bench, ("A", "s1")) == 1

    assert bench.client.zscore(bench.keys.ready, "A") == START_MS - 50
    assert bench.lists("server:bell") == {}


async def test_closes_keep_at_most_64_wakeups(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.lpush(bench.keys.wakeups, *("1" * 64))

    await close(bench, ("A", "s1"))

    assert bench.client.llen(bench.keys.wakeups) == 64


async def test_a_station_whose_queue_is_no_list_becomes_offline_nevertheless(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.set(bench.keys.requests("A"), "broken")

    assert await close(bench, ("A", "s1")) == 1

    assert bench.client.exists(bench.keys.session("A"), bench.keys.clients) == 0


async def test_a_full_redis_refuses_a_close_and_nothing_is_changed(bench: QueueBench) -> None:
    bench.connect("A")
    before = bench.content()

    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        await close(bench, ("A", "s1"))

    assert bench.content() == before


# -- sweep ---------------------------------------------------------------------------------------------


async def sweep(bench: QueueBench, at_most: int = 500) -> list[str]:
    keys = bench.keys
    names = [keys.clients, keys.gateways, keys.ready, keys.wakeups]
    gone: Any = await bench.wire.run(SWEEP, names, keys.prefix, keys.news, "2027-01-15T08:00:00Z", at_most)
    return [identity.decode() for identity in gone]


async def test_the_stations_of_a_dead_gateway_become_offline(bench: QueueBench) -> None:
    bench.connect("A", "sA", protocol="ocpp2.0.1", fence="5", seq="7")
    bench.connect("B", "sB")
    bench.client.zadd(bench.keys.clients, {"A": START_MS, "B": START_MS + 1})
    bench.client.zadd(bench.keys.gateways, {"gw": START_MS, "gw2": START_MS + 1})
    before = bench.content()["session:A"]

    with bench.news() as news:
        assert await sweep(bench) == ["A"]

    content = bench.content()
    assert content["clients"] == {"B": START_MS + 1}
    assert content["gateways"] == {"gw2": START_MS + 1}
    assert content["server:ready"] == {"A": START_MS}
    assert content["server:bell"] == ["1"]
    assert content["server:ended:A"] == before
    assert sorted(name for name in content if name.startswith("session:")) == ["session:B"]
    assert bench.expires("server:ended:A", 3_600_000)
    assert [json.loads(text) for text in content["requests:A"]] == [
        {
            "charge_point_id": "A",
            "message_type": 0,
            "event": "disconnect",
            "reason": "The gateway has died.",
            "timestamp": "2027-01-15T08:00:00Z",
            "ws_server_id": "gw",
            "v": 1,
            "session_id": "sA",
            "protocol": "ocpp2.0.1",
        }
    ]
    assert news == [["", [["offline", "A"]]]]


async def test_a_sweep_leaves_the_stations_of_processes_and_those_without_a_session(
    bench: QueueBench,
) -> None:
    bench.connect("A", channel="c")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1, "B": START_MS - 1})
    before = bench.content()

    assert await sweep(bench) == []

    assert bench.content() == before


async def test_a_session_without_gateway_and_protocol_is_swept_too(bench: QueueBench) -> None:
    bench.client.hset(bench.keys.session("A"), "session_id", "sA")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})

    assert await sweep(bench) == ["A"]

    (control,) = map(json.loads, bench.client.lrange(bench.keys.requests("A"), 0, -1))
    assert (control["ws_server_id"], control["protocol"]) == ("", "")


async def test_a_sweep_ends_after_a_number_of_stations(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity)
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 3, "B": START_MS - 2, "C": START_MS - 1})

    assert await sweep(bench, 2) == ["A", "B"]
    assert await sweep(bench, 2) == ["C"]


async def test_a_swept_station_that_is_due_keeps_its_place(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})
    bench.push("A", "1", waits_ms=50)

    assert await sweep(bench) == ["A"]

    assert bench.client.zscore(bench.keys.ready, "A") == START_MS - 50
    assert bench.lists("server:bell") == {}


async def test_sweeps_keep_at_most_64_wakeups(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})
    bench.client.lpush(bench.keys.wakeups, *("1" * 64))

    await sweep(bench)

    assert bench.client.llen(bench.keys.wakeups) == 64


async def test_a_swept_station_whose_queue_is_no_list_becomes_offline_nevertheless(
    bench: QueueBench,
) -> None:
    bench.connect("A")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})
    bench.client.set(bench.keys.requests("A"), "broken")

    assert await sweep(bench) == ["A"]

    assert bench.client.exists(bench.keys.session("A"), bench.keys.clients) == 0


async def test_a_full_redis_refuses_a_sweep_and_nothing_is_changed(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})
    before = bench.content()

    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        await sweep(bench)

    assert bench.content() == before


async def test_after_a_full_redis_gateways_have_time_to_renew_their_leases(
    bench: QueueBench, settings: Any
) -> None:
    settings.REDIS_STATE_TTL = 0  # no time: one sweep is left out
    sweeper = Sweeper(bench.wire, bench.keys)
    assert await sweeper.sweep() == []
    assert await sweeper.sweep() == []
    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        await sweeper.sweep()
    bench.connect("A")
    bench.client.zadd(bench.keys.clients, {"A": START_MS - 1})

    assert [await sweeper.sweep(), await sweeper.sweep()] == [[], ["A"]]
