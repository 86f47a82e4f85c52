"""The ends of commands to a station at a gateway: answered, too late, or of an earlier session."""

from __future__ import annotations

from tests.redis_scripts import START_MS, QueueBench
from tests.unit.transport.queue.calls import deadline, put_waiting, queued, submit, waiting

# -- answered ------------------------------------------------------------------------------------------


async def test_an_answer_finds_the_call_in_flight_and_keeps_it_while_it_is_handled(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    bench.move_clock(1500)

    found = await bench.script("call_answered", "A", "c1", 60_000)

    assert found == [b"Reset", b"1500", b"3500", b"5000", b"reply", b"<c1>", b"ann"]
    assert bench.client.hget(bench.keys.pending("A"), "answering") == str(START_MS + 61_500)
    assert deadline(bench) == 61_500
    assert bench.lists("responses:A") == {"responses:A": ["<c1>"]}


async def test_an_answer_that_is_handled_does_not_bring_the_deadline_forward(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")

    await bench.script("call_answered", "A", "c1", 100)

    assert deadline(bench) == 5000


async def test_an_answer_to_another_call_finds_none(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    before = bench.content()

    assert await bench.script("call_answered", "A", "c2", 60_000) == []

    assert bench.content() == before


async def test_the_call_of_an_earlier_release_is_answered_without_an_actor(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    bench.client.hdel(bench.keys.pending("A"), "actor")

    assert (await bench.script("call_answered", "A", "c1", 60_000))[6] == b""


# -- expire --------------------------------------------------------------------------------------------


async def test_a_call_ends_at_its_deadline_and_not_before(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    bench.move_clock(4999)
    assert await bench.script("call_expire", 10) == [b"1", [], []]
    bench.move_clock(1)

    ended = [b"A", b"c1", b"timeout", b"5000", b"reply", b"<c1>"]
    assert await bench.script("call_expire", 10) == [b"-1", [ended], []]

    assert bench.client.exists(bench.keys.pending("A"), bench.keys.deadlines) == 0


async def test_the_end_of_a_call_sends_the_next_one(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1", timeout_ms=1000)
    await submit(bench, "c2")
    bench.move_clock(1000)

    wait, ended, sent = await bench.script("call_expire", 10)

    assert (wait, [one[1] for one in ended], sent) == (b"5000", [b"c1"], [b"c2"])


async def test_a_waiting_call_ends_at_its_own_deadline(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1", timeout_ms=5000)
    await submit(bench, "c2", timeout_ms=1000)
    await submit(bench, "c3", timeout_ms=1001)
    assert deadline(bench) == 1000
    bench.move_clock(1000)

    ended = [b"A", b"c2", b"timeout", b"-1", b"reply", b"<c2>"]
    assert await bench.script("call_expire", 10) == [b"1", [ended], []]

    assert bench.client.hget(bench.keys.pending("A"), "message_id") == "c1"
    assert [call["id"] for call in waiting(bench)] == ["c3"]


async def test_calls_of_an_earlier_session_end_as_disconnected(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1", timeout_ms=1000)
    await submit(bench, "c2")
    bench.connect("A", session="s2")
    bench.move_clock(1000)

    _, ended, sent = await bench.script("call_expire", 10)

    assert [(one[1], one[2], one[3]) for one in ended] == [
        (b"c1", b"disconnected", b"1000"),
        (b"c2", b"disconnected", b"-1"),
    ]
    assert (sent, waiting(bench), deadline(bench)) == ([], [], None)


async def test_a_call_does_not_end_while_its_answer_is_handled(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1", timeout_ms=1000)
    await submit(bench, "c2", timeout_ms=2000)
    await bench.script("call_answered", "A", "c1", 3000)
    bench.move_clock(2000)
    _, ended, _ = await bench.script("call_expire", 10)
    assert [one[1] for one in ended] == [b"c2"]
    bench.move_clock(1000)

    _, ended, _ = await bench.script("call_expire", 10)

    assert [(one[1], one[2]) for one in ended] == [(b"c1", b"timeout")]


async def test_one_step_handles_a_limited_number_of_stations(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity)
        arguments = (identity, "s1", f"c{identity}", "Reset", 1000, "reply", "<c>", 64, "ann")
        await bench.script("call_submit", *arguments)
    bench.move_clock(1500)

    wait, ended, _ = await bench.script("call_expire", 2)

    assert (wait, [one[0] for one in ended]) == (b"0", [b"A", b"B"])


async def test_the_wait_ends_at_the_first_deadline_of_all_stations(bench: QueueBench) -> None:
    bench.client.zadd(bench.keys.deadlines, {"A": START_MS + 900, "B": START_MS + 700})

    assert await bench.script("call_expire", 10) == [b"700", [], []]


# -- drop ----------------------------------------------------------------------------------------------


async def test_the_calls_of_an_earlier_session_are_dropped(bench: QueueBench) -> None:
    bench.connect("A")
    for message_id in ("c1", "c2", "c3"):
        await submit(bench, message_id)
    bench.move_clock(700)
    bench.connect("A", session="s2")
    put_waiting(bench, queued("c4", session="s2"))

    ended = await bench.script("call_drop", "A")

    assert ended == [
        [b"A", b"c1", b"disconnected", b"700", b"reply", b"<c1>"],
        [b"A", b"c2", b"disconnected", b"-1", b"reply", b"<c2>"],
        [b"A", b"c3", b"disconnected", b"-1", b"reply", b"<c3>"],
    ]
    assert bench.client.exists(bench.keys.pending("A")) == 0
    assert waiting(bench) == [queued("c4", session="s2")]
    # The station has settled: `call_expire` sends the next call at once.
    assert bench.client.zscore(bench.keys.deadlines, "A") == 0


async def test_the_calls_of_the_current_session_are_not_dropped(bench: QueueBench) -> None:
    bench.connect("A")
    await submit(bench, "c1")
    await submit(bench, "c2")
    before = bench.content()

    assert await bench.script("call_drop", "A") == []

    assert bench.content() == before


async def test_a_connected_station_without_a_call_in_flight_has_none_to_drop(bench: QueueBench) -> None:
    bench.connect("A")

    assert await bench.script("call_drop", "A") == []


async def test_a_station_without_calls_has_no_deadline(bench: QueueBench) -> None:
    bench.client.zadd(bench.keys.deadlines, {"A": START_MS})

    assert await bench.script("call_drop", "A") == []

    assert deadline(bench) is None
