"""The frames of stations on their way through a gateway: each is pushed once, each answer is taken once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from redis.exceptions import ResponseError

from ocpp_server.transport.queue.gateway_side import (
    ANSWERS_AT_ONCE,
    MISSING,
    REPLACED,
    TAKE,
    Batch,
    GatewayQueue,
    Taken,
)
from tests.redis_scripts import START_MS, QueueBench


def batch(identity: str, first: int, *words: str, session: str = "s1") -> Batch:
    return Batch(identity, session, first, [word.encode() for word in words])


async def push(bench: QueueBench, *batches: Batch) -> list[int]:
    return await GatewayQueue("gw").push(bench.wire, batches)


async def take(
    bench: QueueBench, number: int = 1, also: Sequence[str] = (), gateway: str = "gw"
) -> list[Taken]:
    return await GatewayQueue(gateway).take(bench.wire, number, also, block_s=0)


def answer(bench: QueueBench, identity: str, *words: str) -> None:
    bench.client.lpush(bench.keys.responses(identity), *words)
    bench.client.rpush(bench.keys.gateway_wakeups("gw"), identity)


# -- push ----------------------------------------------------------------------------------------------


async def test_frames_are_pushed_in_order_and_make_the_station_due(bench: QueueBench) -> None:
    bench.connect("A")

    assert await push(bench, batch("A", 1, "1", "2", "3")) == [3]

    assert bench.lists("requests:A", "server:bell") == {"requests:A": ["1", "2", "3"], "server:bell": ["1"]}
    assert bench.client.hget(bench.keys.session("A"), "seq") == "3"
    assert bench.client.zscore(bench.keys.ready, "A") == START_MS


async def test_a_repeated_push_changes_nothing(bench: QueueBench) -> None:
    bench.connect("A")
    await push(bench, batch("A", 1, "1", "2"))
    await push(bench, batch("A", 3, "3"))
    before = bench.content()

    assert await push(bench, batch("A", 3, "3")) == [3]
    assert await push(bench, batch("A", 1, "1", "2")) == [3]

    assert bench.content() == before


async def test_only_the_new_frames_of_a_longer_push_are_pushed(bench: QueueBench) -> None:
    bench.connect("A")
    await push(bench, batch("A", 1, "1", "2"))

    assert await push(bench, batch("A", 2, "2", "3", "4")) == [4]

    assert bench.lists("requests:A") == {"requests:A": ["1", "2", "3", "4"]}
    assert bench.client.hget(bench.keys.session("A"), "seq") == "4"


async def test_frames_behind_a_gap_are_pushed(bench: QueueBench) -> None:
    bench.connect("A")

    assert await push(bench, batch("A", 5, "5", "6")) == [2]

    assert bench.lists("requests:A") == {"requests:A": ["5", "6"]}
    assert bench.client.hget(bench.keys.session("A"), "seq") == "6"


async def test_frames_of_a_replaced_or_missing_session_are_not_pushed(bench: QueueBench) -> None:
    bench.connect("A", "s2")
    bench.connect("D")
    before = bench.content()
    batches = (batch("A", 1, "1"), batch("B", 1, "1", "2"), batch("D", 1, "d"))

    assert await push(bench, *batches) == [REPLACED, MISSING, 1]

    after = bench.content()
    assert after["requests:D"] == ["d"]
    assert after["session:A"] == before["session:A"]
    assert {"requests:A", "requests:B", "session:B"}.isdisjoint(after)


async def test_each_station_that_becomes_due_wakes_up_a_processor(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity)
    bench.push("B", "0", waits_ms=50)

    assert await push(bench, batch("A", 1, "1", "2"), batch("B", 1, "1"), batch("C", 1, "1")) == [2, 2, 1]

    assert bench.lists("server:bell") == {"server:bell": ["1", "1"]}
    assert bench.content()["server:ready"] == {"A": START_MS, "B": START_MS - 50, "C": START_MS}


async def test_frames_of_a_due_station_wake_up_no_processor_again(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "0")

    await push(bench, batch("A", 1, "1"))

    assert bench.lists("server:bell") == {}


@pytest.mark.parametrize("broken", ["session", "requests"])
async def test_the_stations_before_one_with_broken_keys_are_due(bench: QueueBench, broken: str) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity)
    key = bench.keys.session("B") if broken == "session" else bench.keys.requests("B")
    bench.client.delete(key)
    bench.client.set(key, "broken")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await push(bench, batch("A", 1, "a"), batch("B", 1, "b"), batch("C", 1, "c"))

    assert bench.client.zrange(bench.keys.ready, 0, -1) == ["A"]
    assert bench.lists("requests:A", "requests:C", "server:bell") == {
        "requests:A": ["a"],
        "server:bell": ["1"],
    }
    # The gateway pushes each station by itself then.
    assert await push(bench, batch("A", 1, "a")) == [1]
    assert await push(bench, batch("C", 1, "c")) == [1]
    assert bench.lists("requests:A", "requests:C") == {"requests:A": ["a"], "requests:C": ["c"]}


async def test_frames_that_redis_has_no_memory_for_change_nothing(bench: QueueBench) -> None:
    bench.connect("A")
    before = bench.content()

    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        await push(bench, batch("A", 1, "1"))

    assert bench.content() == before


async def test_frames_keep_at_most_64_wakeups(bench: QueueBench) -> None:
    names = [f"S{number}" for number in range(63)]
    for name in [*names, "A"]:
        bench.connect(name)
    await push(bench, *(batch(name, 1, "1") for name in names))
    assert bench.client.llen(bench.keys.wakeups) == 63
    bench.client.lpush(bench.keys.wakeups, "1")

    await push(bench, batch("A", 1, "1"))

    assert bench.client.llen(bench.keys.wakeups) == 64


# -- take ----------------------------------------------------------------------------------------------


async def test_the_answers_of_stations_with_a_wakeup_are_taken_in_order(bench: QueueBench) -> None:
    bench.connect("A", "sA")
    bench.connect("B", "sB")
    answer(bench, "A", "a1", "a2;,")
    bench.client.rpush(bench.keys.gateway_wakeups("gw"), "B")
    bench.client.lpush(bench.keys.requests("A"), *"123")

    assert await take(bench) == [Taken("A", "sA", 3, [b"a1", b"a2;,"]), Taken("B", "sB", 0, [])]

    assert bench.lists("responses:A", "gateway:gw") == {}
    assert bench.expires("gateway:gw:taken", 120_000)


async def test_a_repeated_number_returns_the_lost_answers_again(bench: QueueBench) -> None:
    bench.connect("A")
    answer(bench, "A", "a1")
    first = await take(bench, 1)
    answer(bench, "A", "a2")

    assert await take(bench, 1) == first
    assert await take(bench, 2) == [Taken("A", "s1", 0, [b"a2"])]


async def test_without_wakeups_nothing_is_taken_and_the_last_take_is_kept(bench: QueueBench) -> None:
    bench.connect("A")
    answer(bench, "A", "a1")
    first = await take(bench, 1)

    assert await take(bench, 2) == []

    assert await take(bench, 1) == first


async def test_a_station_is_polled_without_a_wakeup(bench: QueueBench) -> None:
    bench.connect("A")
    bench.connect("B")
    bench.client.lpush(bench.keys.responses("A"), "a1")
    bench.client.lpush(bench.keys.responses("B"), "b1")
    bench.client.rpush(bench.keys.gateway_wakeups("gw"), "B")

    found = await take(bench, also=["A", "B"])

    assert found == [Taken("B", "s1", 0, [b"b1"]), Taken("A", "s1", 0, [b"a1"])]


async def test_a_station_with_many_wakeups_is_taken_once(bench: QueueBench) -> None:
    bench.connect("A")
    answer(bench, "A", "a1")
    answer(bench, "A", "a2")

    assert await take(bench) == [Taken("A", "s1", 0, [b"a1", b"a2"])]


async def test_the_answers_of_another_session_are_left_to_its_gateway(bench: QueueBench) -> None:
    bench.connect("A", ws_server_id="other")
    answer(bench, "A", "a1")
    bench.client.lpush(bench.keys.requests("A"), "1")
    answer(bench, "B", "b1")

    assert await take(bench) == [Taken("A", "", 0, []), Taken("B", "", 0, [])]

    assert bench.lists("responses:A", "responses:B") == {"responses:A": ["a1"], "responses:B": ["b1"]}


async def test_a_session_without_an_id_gets_no_answers(bench: QueueBench) -> None:
    bench.client.hset(bench.keys.session("A"), "ws_server_id", "gw")
    answer(bench, "A", "a1")

    assert await take(bench) == [Taken("A", "", 0, [])]


async def test_more_answers_than_one_take_returns_wake_up_the_gateway_again(bench: QueueBench) -> None:
    bench.connect("A")
    bench.connect("B")
    words = [f"a{number}" for number in range(ANSWERS_AT_ONCE + 1)]
    answer(bench, "A", *words)
    answer(bench, "B", *words[: ANSWERS_AT_ONCE - 1])

    found = await take(bench, 1)

    assert [len(taken.answers) for taken in found] == [ANSWERS_AT_ONCE, ANSWERS_AT_ONCE - 1]
    assert bench.lists("gateway:gw") == {"gateway:gw": ["A"]}
    assert bench.expires("gateway:gw", 120_000)
    assert await take(bench, 2) == [Taken("A", "s1", 0, [words[-1].encode()])]


async def test_one_take_handles_a_limited_number_of_wakeups(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity)
        answer(bench, identity, "1")
    keys = [bench.keys.gateway_wakeups("gw"), bench.keys.taken("gw")]

    text = bench.run(TAKE, keys, 1, "gw", bench.prefix, 2, 16)

    assert text == "1,2,1,1,1,1,2,1,1,1;As1011Bs1011"
    assert bench.client.lrange(bench.keys.gateway_wakeups("gw"), 0, -1) == ["C"]


async def test_a_station_with_broken_keys_does_not_block_the_others(bench: QueueBench) -> None:
    for identity in ("A", "B", "C", "D"):
        bench.connect(identity)
        answer(bench, identity, "1")
    bench.client.delete(bench.keys.session("A"), bench.keys.responses("B"))
    for key in (bench.keys.session("A"), bench.keys.responses("B"), bench.keys.requests("C")):
        bench.client.set(key, "broken")

    assert await take(bench) == [
        Taken("A", "", 0, []),
        Taken("B", "s1", 0, []),
        Taken("C", "s1", 0, [b"1"]),
        Taken("D", "s1", 0, [b"1"]),
    ]
