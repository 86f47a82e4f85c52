"""The queue of commands to a station at a gateway: one in flight, each ended once."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport.queue.claims import CLAIM_MS, Claims
from ocpp_server.transport.queue.station import Outcome
from tests.redis_scripts import START_MS, QueueBench
from tests.unit.transport.queue.calls import deadline, put_waiting, queued, submit, waiting

KEPT_MS = 30_000


def in_flight(message_id: str, *, sent_at: int = START_MS, expires: int = START_MS + 5000) -> dict[str, str]:
    return {
        "message_id": message_id,
        "action": "Reset",
        "session_id": "s1",
        "sent_at": str(sent_at),
        "deadline": str(sent_at + 5000),
        "expires": str(expires),
        "timeout": "5000",
        "reply_to": "reply",
        "envelope": f"<{message_id}>",
        "actor": "ann",
    }


async def commit(bench: QueueBench, outcome: Outcome) -> list[Any]:
    """Handle a message of the station, and return what its commit returns."""
    bench.push("A", "message")
    (claim,) = (await Claims(bench.redis, "P").take(1))[1]
    parts = (outcome.session_id, "1", outcome.ends, outcome.settles, outcome.letter, 0)
    (result,) = await bench.script("commit", "P", CLAIM_MS, claim.key, claim.epoch, *parts)
    return list(result)


# -- submit --------------------------------------------------------------------------------------------


async def test_a_call_is_sent_at_once_when_no_other_is_in_flight(bench: QueueBench) -> None:
    bench.connect("A")

    assert await submit(bench, "c1") == [b"taken", b"c1"]

    assert bench.client.hgetall(bench.keys.pending("A")) == in_flight("c1")
    assert bench.lists("responses:A", "gateway:gw", "server:calls:A") == {
        "responses:A": ["<c1>"],
        "gateway:gw": ["A"],
    }
    assert deadline(bench) == 5000
    assert bench.expires("server:pending:A", 5000 + KEPT_MS)


async def test_the_next_call_waits_and_is_stored_whole(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    bench.move_clock(1000)

    assert await submit(bench, "c2") == [b"taken", b""]
    assert await submit(bench, "c3") == [b"taken", b""]

    expires = START_MS + 6000
    assert waiting(bench) == [queued("c2", expires=expires), queued("c3", expires=expires)]
    assert bench.client.hget(bench.keys.pending("A"), "message_id") == "c1"
    assert bench.lists("responses:A") == {"responses:A": ["<c1>"]}
    assert deadline(bench) == 5000


async def test_a_repeated_call_changes_nothing(bench: QueueBench) -> None:
    bench.connect("A")
    for message_id in ("c1", "c2", "c3"):
        await submit(bench, message_id)
    before = bench.content()

    assert await submit(bench, "c1") == [b"taken", b"c1"]
    assert await submit(bench, "c2") == [b"taken", b""]
    assert await submit(bench, "c3") == [b"taken", b""]

    assert bench.content() == before


async def test_a_call_beyond_the_longest_queue_is_refused(bench: QueueBench) -> None:
    bench.connect("A")
    for message_id in ("c1", "c2", "c3"):
        assert (await submit(bench, message_id, longest=2))[0] == b"taken"
    before = bench.content()

    assert await submit(bench, "c4", longest=2) == [b"full", b""]

    assert bench.content() == before


@pytest.mark.parametrize(("session", "lease_ms"), [("s0", 60_000), ("s1", None), ("s1", 0)])
async def test_a_call_to_a_connection_that_is_gone_is_refused(
    bench: QueueBench, session: str, lease_ms: int | None
) -> None:
    bench.connect("A")
    bench.client.zrem(bench.keys.clients, "A")
    if lease_ms is not None:
        bench.client.zadd(bench.keys.clients, {"A": START_MS + lease_ms})
    before = bench.content()

    assert await submit(bench, "c1", session=session) == [b"gone", b""]

    assert bench.content() == before


async def test_a_lease_of_one_more_millisecond_is_enough(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.zadd(bench.keys.clients, {"A": START_MS + 1})

    assert await submit(bench, "c1") == [b"taken", b"c1"]


# -- when a call is sent -------------------------------------------------------------------------------


async def test_no_call_is_sent_before_the_first_message_of_the_station(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.hdel(bench.keys.session("A"), "settles_at")

    assert await submit(bench, "c1") == [b"taken", b""]

    assert (waiting(bench), deadline(bench)) == ([queued("c1")], 5000)
    assert bench.lists("responses:A") == {}


async def test_a_call_waits_until_the_station_has_settled(bench: QueueBench) -> None:
    bench.connect("A", settles_at=str(START_MS + 1))

    assert await submit(bench, "c1") == [b"taken", b""]
    assert deadline(bench) == 1
    bench.move_clock(1)

    assert await bench.script("call_expire", 10) == [b"5000", [], [b"c1"]]
    assert bench.lists("responses:A") == {"responses:A": ["<c1>"]}


async def test_no_call_is_sent_through_the_queue_to_a_station_at_a_process(bench: QueueBench) -> None:
    bench.connect("A", channel="c")

    assert await submit(bench, "c1") == [b"taken", b""]

    assert bench.lists("responses:A") == {}


async def test_the_first_message_sends_the_waiting_call_behind_its_answer(bench: QueueBench) -> None:
    bench.connect("A", settles_at=str(START_MS + 3000))
    await submit(bench, "c1")

    assert await commit(bench, Outcome("s1", settles="0")) == [b"idle", b"", b"c1"]

    assert bench.client.hget(bench.keys.session("A"), "settles_at") == "0"
    assert (waiting(bench), deadline(bench)) == ([], 5000)


async def test_a_boot_that_delays_the_calls_delays_their_deadline(bench: QueueBench) -> None:
    bench.connect("A", settles_at=str(START_MS + 100))
    await submit(bench, "c1")

    assert await commit(bench, Outcome("s1", settles="+3000")) == [b"idle", b"", b""]

    assert deadline(bench) == 3000


async def test_the_answer_of_a_call_sends_the_next_one(bench: QueueBench) -> None:
    bench.connect("A")
    for message_id in ("c1", "c2", "c3"):
        await submit(bench, message_id)
    bench.move_clock(1000)

    assert await commit(bench, Outcome("s1", ends="c1")) == [b"idle", b"", b"c2"]

    assert bench.client.hgetall(bench.keys.pending("A")) == in_flight("c2", sent_at=START_MS + 1000)
    assert waiting(bench) == [queued("c3")]
    assert bench.lists("responses:A") == {"responses:A": ["<c1>", "<c2>"]}


async def test_the_answer_to_the_last_call_leaves_no_deadline(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")

    assert await commit(bench, Outcome("s1", ends="c1")) == [b"idle", b"", b""]

    assert deadline(bench) is None
    assert bench.client.exists(bench.keys.pending("A")) == 0


async def test_an_answer_to_another_call_does_not_end_the_one_in_flight(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    await submit(bench, "c2")

    assert await commit(bench, Outcome("s1", ends="c0")) == [b"idle", b"", b""]

    assert bench.client.hget(bench.keys.pending("A"), "message_id") == "c1"


async def test_a_message_that_ends_no_call_sends_none(bench: QueueBench) -> None:
    bench.connect("A")
    put_waiting(bench, queued("c1"))

    assert await commit(bench, Outcome("s1")) == [b"idle", b"", b""]

    assert waiting(bench) == [queued("c1")]


@pytest.mark.parametrize(("goes_on", "result"), [("1", b"next"), ("", b"back")])
async def test_a_commit_with_more_messages_returns_the_call_that_it_sent(
    bench: QueueBench, goes_on: str, result: bytes
) -> None:
    bench.connect("A")
    put_waiting(bench, queued("c1"))
    bench.push("A", "1", "2")
    (claim,) = (await Claims(bench.redis, "P").take(1))[1]

    for ends, sent in (("c0", b"c1"), ("", b"")):
        bench.client.rpush(bench.keys.requests("A"), "0")
        arguments = (claim.key, claim.epoch, "s1", goes_on, ends, "", "", 0)
        assert await bench.script("commit", "P", CLAIM_MS, *arguments) == [
            [result, b"1" if goes_on else b"", sent]
        ]


async def test_calls_that_have_expired_or_belong_to_an_earlier_session_are_not_sent(
    bench: QueueBench,
) -> None:
    bench.connect("A")
    old, late, good = (
        queued("c1", session="s0"),
        queued("c2", expires=START_MS),
        queued("c3", expires=START_MS + 1),
    )
    put_waiting(bench, old, late, good)

    assert await commit(bench, Outcome("s1", ends="c0")) == [b"idle", b"", b"c3"]

    assert waiting(bench) == [old, late]


async def test_a_call_of_a_process_of_an_earlier_release_has_no_actor(bench: QueueBench) -> None:
    bench.connect("A")
    put_waiting(bench, {name: text for name, text in queued("c1").items() if name != "actor"})

    await commit(bench, Outcome("s1", ends="c0"))

    assert bench.client.hgetall(bench.keys.pending("A")) == in_flight("c1") | {"actor": ""}
