"""The commits of processors, and the end of their claims: only the current claim may change a station."""

from __future__ import annotations

import pytest

from ocpp_server.transport.queue.claims import CLAIM_MS, Claim, Claims, Fenced
from ocpp_server.transport.queue.station import Outcome
from tests.redis_scripts import START_MS, QueueBench


async def taken(claims: Claims, count: int = 10) -> list[Claim]:
    return (await claims.take(count))[1]


async def one(claims: Claims) -> Claim:
    (claim,) = await taken(claims)
    return claim


def answer(*words: str, session: str = "s1") -> Outcome:
    return Outcome(session_id=session, answers=[word.encode() for word in words])


# -- commit --------------------------------------------------------------------------------------------


async def test_a_commit_pushes_the_answers_in_order_and_removes_one_message(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", "2", "3")
    claims = Claims(bench.redis, "P")
    claim = await one(claims)
    bench.move_clock(1000)

    assert await claims.commit(claim, answer("a", "b"), goes_on=True) == b"2"

    assert bench.lists("responses:A", "requests:A", "gateway:gw") == {
        "responses:A": ["a", "b"],
        "requests:A": ["2", "3"],
        "gateway:gw": ["A"],
    }
    assert bench.expires("responses:A", 120_000)
    assert bench.expires("gateway:gw", 120_000)
    assert bench.client.zscore(bench.keys.ready, "A") == START_MS + 1000 + CLAIM_MS
    assert bench.client.hget(bench.keys.lease("A"), "attempts") == "1"
    assert bench.client.exists(bench.keys.wakeups) == 0


async def test_the_attempts_of_a_message_do_not_count_for_the_next_one(bench: QueueBench) -> None:
    bench.push("A", "1", "2")
    claims = Claims(bench.redis, "P")
    await claims.give_back(await one(claims), after_s=0, is_attempt=True)
    claim = await one(claims)
    assert claim.attempts == 2

    assert await claims.commit(claim, answer(), goes_on=True) == b"2"

    assert bench.client.hget(bench.keys.lease("A"), "attempts") == "1"


async def test_the_last_commit_releases_the_station(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    assert await claims.commit(await one(claims), answer(), goes_on=True) is None

    assert bench.client.zscore(bench.keys.ready, "A") is None
    assert bench.client.hget(bench.keys.lease("A"), "attempts") == "0"
    assert bench.lists("responses:A", "gateway:gw", "requests:A") == {}


async def test_a_commit_that_does_not_go_on_releases_the_station_at_the_end_of_the_line(
    bench: QueueBench,
) -> None:
    bench.push("A", "1", "2")
    claims = Claims(bench.redis, "P")
    claim = await one(claims)
    bench.move_clock(100)

    assert await claims.commit(claim, answer(), goes_on=False) is None

    assert bench.client.zscore(bench.keys.ready, "A") == START_MS + 100
    assert bench.client.hget(bench.keys.lease("A"), "attempts") == "0"
    assert bench.lists("server:bell") == {"server:bell": ["1"]}


async def test_a_commit_after_another_claim_changes_nothing(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", "2")
    first = Claims(bench.redis, "P1")
    stalled = await one(first)
    bench.move_clock(CLAIM_MS)
    await one(Claims(bench.redis, "P2"))
    before = bench.content()

    with pytest.raises(Fenced):
        await first.commit(stalled, Outcome("s1", [b"a"], ends="c1", settles="0", letter="x"), goes_on=True)

    assert bench.content() == before


async def test_a_commit_of_an_earlier_claim_of_the_same_processor_changes_nothing(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", "2")
    claims = Claims(bench.redis, "P")
    stalled = await one(claims)
    bench.move_clock(CLAIM_MS)
    await one(claims)
    before = bench.content()

    with pytest.raises(Fenced):
        await claims.commit(stalled, answer("a"), goes_on=True)

    assert bench.content() == before


async def test_an_epoch_of_another_processor_does_not_help(bench: QueueBench) -> None:
    """Both claims may have one epoch when Redis restarts with an earlier copy."""
    bench.connect("A")
    bench.push("A", "1")
    claim = await one(Claims(bench.redis, "P1"))

    with pytest.raises(Fenced):
        await Claims(bench.redis, "P2").commit(claim, answer("a"), goes_on=True)

    assert bench.lists("requests:A", "responses:A") == {"requests:A": ["1"]}


async def test_after_a_flush_an_old_claim_does_not_look_current(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")
    before = await one(claims)
    bench.client.delete(*bench.client.keys(f"{bench.prefix}:*"))
    bench.move_clock(1)
    bench.push("A", "2")
    await one(claims)

    with pytest.raises(Fenced):
        await claims.commit(before, answer("a"), goes_on=True)


async def test_a_batch_commits_each_station_for_itself(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity)
        bench.push(identity, f"{identity}1", f"{identity}2")
    script_arguments: list[bytes | str | int] = []
    a, b, c = await taken(Claims(bench.redis, "P"))
    for claim, words in ((a, ["a", "aa"]), (b, []), (c, ["c"])):
        epoch = claim.epoch + (claim is b)
        script_arguments += [claim.key, epoch, "s1", "1", "", "", "", len(words), *words]

    done = await bench.script("commit", "P", CLAIM_MS, *script_arguments)

    assert done == [[b"next", b"A2", b""], [b"fenced", b"", b""], [b"next", b"C2", b""]]
    assert bench.lists("gateway:gw") == {"gateway:gw": ["C", "A"]}
    assert bench.lists("responses:A", "responses:B", "responses:C") == {
        "responses:A": ["a", "aa"],
        "responses:C": ["c"],
    }


async def test_a_batch_wakes_up_each_gateway_for_its_own_stations(bench: QueueBench) -> None:
    gateways = {"A": "gw", "B": "gw2", "C": "gw"}
    arguments: list[bytes | str | int] = []
    for identity, gateway in gateways.items():
        bench.connect(identity, ws_server_id=gateway)
        bench.push(identity, "1")
    for claim in await taken(Claims(bench.redis, "P")):
        arguments += [claim.key, claim.epoch, "s1", "", "", "", "", 1, "answer"]

    done = await bench.script("commit", "P", CLAIM_MS, *arguments)

    assert done == [[b"idle", b"", b""]] * 3
    assert bench.client.zcard(bench.keys.ready) == 0
    woken = bench.lists("gateway:gw", "gateway:gw2")
    assert {name: sorted(ids) for name, ids in woken.items()} == {
        "gateway:gw": ["A", "C"],
        "gateway:gw2": ["B"],
    }
    assert bench.expires("gateway:gw", 120_000) and bench.expires("gateway:gw2", 120_000)


async def test_answers_to_a_session_without_a_gateway_wake_no_gateway(bench: QueueBench) -> None:
    bench.connect("A")
    bench.client.hdel(bench.keys.session("A"), "ws_server_id")
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    await claims.commit(await one(claims), answer("a"), goes_on=False)

    assert bench.lists("responses:A") == {"responses:A": ["a"]}
    assert not [name for name in bench.content() if name.startswith("gateway")]


@pytest.mark.parametrize("session", ["", "s0"])
async def test_answers_to_another_session_are_dropped_and_its_message_is_done(
    bench: QueueBench, session: str
) -> None:
    bench.connect("A")
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")
    old = Outcome(session, [b"late"], settles="5")

    assert await claims.commit(await one(claims), old, goes_on=True) is None

    assert bench.lists("responses:A", "requests:A", "gateway:gw") == {}
    assert bench.client.hget(bench.keys.session("A"), "settles_at") == "0"


async def test_answers_to_a_closed_session_do_not_create_it_again(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    await claims.commit(await one(claims), Outcome("", [b"late"], settles="5"), goes_on=True)

    assert bench.lists("responses:A") == {}
    assert bench.client.exists(bench.keys.session("A")) == 0


async def test_a_dead_letter_is_kept_in_both_lists_which_have_an_end(bench: QueueBench) -> None:
    bench.push("A", "1", "2")
    bench.client.lpush(bench.keys.dead, *("old" for _ in range(1000)))
    bench.client.lpush(bench.keys.dead_of("A"), *("old" for _ in range(100)))
    claims = Claims(bench.redis, "P")

    assert await claims.commit(await one(claims), Outcome(letter="why"), goes_on=True) == b"2"

    found = [bench.client.lrange(key, 0, -1) for key in (bench.keys.dead, bench.keys.dead_of("A"))]
    assert [(len(letters), letters[:2]) for letters in found] == [
        (1000, ["why", "old"]),
        (100, ["why", "old"]),
    ]


async def test_a_message_without_a_dead_letter_leaves_none(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    await claims.commit(await one(claims), answer(), goes_on=True)

    assert bench.lists("server:dead", "server:dead:A") == {}


@pytest.mark.parametrize(("settles", "stored"), [("0", "0"), ("+5000", str(START_MS + 5000))])
async def test_a_commit_stores_when_calls_may_be_sent(bench: QueueBench, settles: str, stored: str) -> None:
    bench.connect("A", settles_at="7")
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    await claims.commit(await one(claims), Outcome("s1", settles=settles), goes_on=True)

    assert bench.client.hget(bench.keys.session("A"), "settles_at") == stored


# -- release -------------------------------------------------------------------------------------------


async def test_a_released_station_is_due_after_the_pause(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    await claims.give_back(await one(claims), after_s=60, is_attempt=True)

    assert bench.client.zscore(bench.keys.ready, "A") == START_MS + 60_000
    assert bench.client.hget(bench.keys.lease("A"), "attempts") == "1"
    assert bench.client.exists(bench.keys.wakeups) == 0


async def test_a_release_without_a_pause_wakes_up_a_processor(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")

    await claims.give_back(await one(claims), after_s=0, is_attempt=False)

    assert bench.client.zscore(bench.keys.ready, "A") == START_MS
    assert bench.client.hget(bench.keys.lease("A"), "attempts") == "0"
    assert bench.lists("server:bell") == {"server:bell": ["1"]}


async def test_only_the_current_claim_is_released(bench: QueueBench) -> None:
    bench.push("A", "1")
    first, second = Claims(bench.redis, "P1"), Claims(bench.redis, "P2")
    stalled = await one(first)
    bench.move_clock(CLAIM_MS)
    earlier = await one(second)
    bench.move_clock(CLAIM_MS)
    current = await one(second)
    before = bench.content()

    await first.give_back(stalled, after_s=0, is_attempt=False)
    await second.give_back(earlier, after_s=0, is_attempt=False)
    await first.give_back(current, after_s=0, is_attempt=False)

    assert bench.content() == before


async def test_a_station_that_is_no_longer_due_stays_so_after_a_release(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")
    claim = await one(claims)
    await claims.commit(claim, answer(), goes_on=True)

    await claims.give_back(claim, after_s=0, is_attempt=True)

    assert bench.client.zscore(bench.keys.ready, "A") is None


async def test_a_release_counts_the_stations_that_it_has_released(bench: QueueBench) -> None:
    bench.push("A", "1")
    bench.push("B", "1")
    a, b = await taken(Claims(bench.redis, "P"))

    released = await bench.script(
        *("release", "P", a.key, a.epoch, 5, "1", b.key, b.epoch, 7, ""),
        *("C", 1, 0, "", a.key, a.epoch + 1, 0, ""),
    )

    assert released == 2
    assert bench.client.zrange(bench.keys.ready, 0, -1, withscores=True) == [
        ("A", START_MS + 5),
        ("B", START_MS + 7),
    ]
    attempts = [bench.client.hget(bench.keys.lease(name), "attempts") for name in "AB"]
    assert attempts == ["0", "1"]


# -- renew ---------------------------------------------------------------------------------------------


async def test_a_renewal_extends_the_claims_and_returns_the_lost_ones(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.push(identity, "1", waits_ms=3 - "ABC".index(identity))
    first, second = Claims(bench.redis, "P1"), Claims(bench.redis, "P2")
    claims = await taken(first)
    bench.client.zadd(bench.keys.ready, {"A": 0, "B": 0})
    await taken(second, 1)  # A, by another processor
    await taken(first, 1)  # B, again by the same one
    bench.move_clock(5000)

    lost = await first.renew(claims)

    assert [claim.identity for claim in lost] == ["A", "B"]
    assert dict(bench.client.zrange(bench.keys.ready, 0, -1, withscores=True)) == {
        "A": START_MS + CLAIM_MS,
        "B": START_MS + CLAIM_MS,
        "C": START_MS + 5000 + CLAIM_MS,
    }


async def test_a_station_with_the_same_epoch_at_another_processor_is_lost(bench: QueueBench) -> None:
    bench.push("A", "1")
    claim = await one(Claims(bench.redis, "P1"))

    assert await Claims(bench.redis, "P2").renew([claim]) == [claim]


async def test_a_renewal_does_not_make_an_idle_station_due(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")
    claim = await one(claims)
    await claims.commit(claim, answer(), goes_on=True)

    await claims.renew([claim])

    assert bench.client.zscore(bench.keys.ready, "A") is None


async def test_a_renewal_registers_the_processor_and_forgets_those_dead_for_a_minute(
    bench: QueueBench,
) -> None:
    living = {"dead": START_MS - 60_000, "late": START_MS - 59_999}
    bench.client.zadd(bench.keys.processors, living)

    await Claims(bench.redis, "P").renew([])

    assert dict(bench.client.zrange(bench.keys.processors, 0, -1, withscores=True)) == {
        "late": START_MS - 59_999,
        "P": START_MS + CLAIM_MS,
    }
