"""Calls of a processor to Redis for its claims, and the handling of the replies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.queue.claims import Claims, Fenced
from ocpp_server.transport.queue.station import Outcome
from tests.logged import captured_logs
from tests.unit.transport.instant import skip_waits
from tests.unit.transport.queue_rules.redis_double import AWAY, RedisDouble, a_claim, requests, taken


@pytest.fixture
def redis() -> RedisDouble:
    return RedisDouble()


@pytest.fixture
async def claims(redis: RedisDouble, monkeypatch: pytest.MonkeyPatch) -> Claims:
    skip_waits(monkeypatch)  # a commit that nothing ends is an error
    return Claims(redis, "me")  # type: ignore[arg-type]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The commands that were stored as sent."""
    found: list[Any] = []

    async def run(function: Any, message_id: str, at: Any) -> None:
        assert function == command_store.port.app.mark_sent and at.tzinfo is not None
        found.append(message_id)

    monkeypatch.setattr(journal, "run", run)
    return found


async def test_a_claim_has_all_that_redis_knows_of_its_station(redis: RedisDouble, claims: Claims) -> None:
    first = a_claim("CP-1", epoch=3, attempts=2, session_id="s", channel="c", settles_at="5", head=b"[1]")
    odd = a_claim("x", key=b"\xff", session_id="", settles_at="0")
    redis.replies["claim"] = [taken(first, odd, left=4)]

    left, found = await claims.take(50, within=1.5)

    assert (left, found) == (4, [first, odd])
    assert [claim.identity for claim in found] == ["CP-1", "\ufffd"]
    lists = (redis.keys.wakeups_of("me"), redis.keys.wakeups)
    assert redis.of("claim") == [("me", 10_000, 50, 30, lists, 1.5)]


async def test_texts_of_a_gateway_need_not_be_utf_8(redis: RedisDouble, claims: Claims) -> None:
    redis.replies["claim"] = [(0, [[b"CP", 1, 1, b"\xff", b"\xfe", b"0", b""]])]

    _, (claim,) = await claims.take(1)

    assert (claim.session_id, claim.channel) == ("\ufffd", "\ufffd")
    assert redis.of("claim")[0][-1] == 0


async def test_a_commit_names_the_claim_and_all_of_its_outcome(redis: RedisDouble, claims: Claims) -> None:
    outcome = Outcome("s2", [b"one", b"two"], ends="c1", settles="+5", letter="L")

    assert await claims.commit(a_claim(), outcome, goes_on=True) is None
    await claims.commit(a_claim(), Outcome(), goes_on=False)

    assert redis.of("commit") == [
        ("me", 10_000, b"CP-1", 7, "s2", "1", "c1", "+5", "L", 2, b"one", b"two"),
        ("me", 10_000, b"CP-1", 7, "", "", "", "", "", 0),
    ]


async def test_the_next_head_is_handled_only_when_redis_gives_it(redis: RedisDouble, claims: Claims) -> None:
    redis.replies["commit"] = [[[b"next", b"head", b""]], [[b"done", b"head", b""]]]

    assert await claims.commit(a_claim(), Outcome(), goes_on=True) == b"head"
    assert await claims.commit(a_claim(), Outcome(), goes_on=True) is None


async def test_a_fenced_commit_is_no_success_and_sends_nothing(
    redis: RedisDouble, claims: Claims, sent: list[str]
) -> None:
    redis.replies["commit"] = [[[b"fenced", b"", b""]]]

    with pytest.raises(Fenced):
        await claims.commit(a_claim(), Outcome(), goes_on=True)
    assert not sent


async def test_commits_that_arrive_during_a_call_go_together_a_hundred_at_once(
    redis: RedisDouble, claims: Claims
) -> None:
    redis.gate = asyncio.Event()
    work = [asyncio.ensure_future(claims.commit(a_claim("first"), Outcome(), goes_on=True))]
    await asyncio.sleep(0.001)
    for number in range(150):
        reply = Outcome(answers=[b"x"] * (number % 3))
        work.append(asyncio.ensure_future(claims.commit(a_claim(f"n{number}"), reply, goes_on=True)))
    await asyncio.sleep(0.001)
    assert len(redis.of("commit")) == 1
    redis.gate.set()

    assert await asyncio.gather(*work) == [None] * 151
    batches = [requests(arguments) for arguments in redis.of("commit")]
    assert [len(batch) for batch in batches] == [1, 100, 50]
    assert [request[0] for batch in batches for request in batch[:1]] == [b"first", b"n0", b"n100"]


async def test_each_of_several_commits_gets_its_own_result(redis: RedisDouble, claims: Claims) -> None:
    redis.replies["commit"] = [[[b"next", b"a", b""], [b"fenced", b"", b""], [b"next", b"c", b""]]]

    commits = [claims.commit(a_claim(name), Outcome(), goes_on=True) for name in "abc"]
    results = await asyncio.gather(*commits, return_exceptions=True)

    assert (results[0], type(results[1]), results[2]) == (b"a", Fenced, b"c")


async def test_a_commit_of_unknown_end_fails_its_callers_and_is_not_repeated(
    redis: RedisDouble, claims: Claims
) -> None:
    redis.replies["commit"] = [AWAY, RuntimeError("bug")]

    with captured_logs() as lines:
        first = [claims.commit(a_claim(name), Outcome(), goes_on=True) for name in "ab"]
        results = await asyncio.gather(*first, return_exceptions=True)
    assert (results, lines) == ([AWAY, AWAY], [])

    with captured_logs() as lines, pytest.raises(RuntimeError):
        await claims.commit(a_claim(), Outcome(), goes_on=True)
    assert len(lines) == 1
    # Later commits work.
    assert await claims.commit(a_claim(), Outcome(), goes_on=True) is None
    assert len(redis.of("commit")) == 3


@pytest.mark.parametrize("reply", [AWAY, [[b"done", b"", b""]] * 2])
async def test_a_caller_that_was_cancelled_does_not_cost_the_others_their_result(
    redis: RedisDouble, claims: Claims, reply: Any
) -> None:
    redis.gate = asyncio.Event()
    redis.replies["commit"] = [reply]
    work = [asyncio.ensure_future(claims.commit(a_claim(n), Outcome(), goes_on=True)) for n in "ab"]
    await asyncio.sleep(0.001)

    work[0].cancel()
    await asyncio.sleep(0)
    redis.gate.set()
    results = await asyncio.gather(*work, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] is (AWAY if reply is AWAY else None)


async def test_a_command_that_the_commit_sent_is_stored_as_sent(
    redis: RedisDouble, claims: Claims, sent: list[str]
) -> None:
    redis.replies["commit"] = [[[b"next", b"head", b"c1"]], [[b"done", b"", b""]]]

    assert await claims.commit(a_claim(), Outcome(), goes_on=True) == b"head"
    await claims.commit(a_claim(), Outcome(), goes_on=True)

    assert sent == ["c1"]


async def test_a_time_of_sending_that_can_not_be_stored_is_only_logged(
    redis: RedisDouble, claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: Any) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(journal, "run", run)
    redis.replies["commit"] = [[[b"next", b"head", b"c1"]]]

    with captured_logs() as lines:
        assert await claims.commit(a_claim(), Outcome(), goes_on=True) == b"head"
    assert [line["message_id"] for line in lines] == ["c1"]


async def test_a_station_is_given_back_with_its_pause_and_its_attempt(
    redis: RedisDouble, claims: Claims
) -> None:
    await claims.give_back(a_claim(), after_s=0.6, is_attempt=True)
    await claims.give_back(a_claim(), after_s=0, is_attempt=False)

    assert redis.of("release") == [("me", b"CP-1", 7, 600, ""), ("me", b"CP-1", 7, 0, "1")]


async def test_renewing_names_the_claims_that_are_lost(redis: RedisDouble, claims: Claims) -> None:
    kept, lost = a_claim("kept"), a_claim("lost", epoch=8)
    redis.replies["renew"] = [b"kl"]

    assert await claims.renew([kept, lost]) == [lost]
    assert await claims.renew([]) == []

    assert redis.of("renew") == [("me", 10_000, b"kept", 7, b"lost", 8), ("me", 10_000)]
    assert not redis.of("release")


async def test_a_station_that_could_not_be_given_back_is_released_with_the_next_renewal(
    redis: RedisDouble, claims: Claims
) -> None:
    redis.replies["release"] = [AWAY, AWAY, AWAY]
    await claims.give_back(a_claim("a", epoch=1), after_s=5, is_attempt=True)
    await claims.give_back(a_claim("b", epoch=2), after_s=0, is_attempt=True)

    redis.replies["renew"] = [AWAY]
    with pytest.raises(LiveStateUnavailable):
        await claims.renew([])
    assert len(redis.of("release")) == 2

    with pytest.raises(LiveStateUnavailable):
        await claims.renew([])
    await claims.renew([])
    await claims.renew([])

    # It is due at once, and this was no attempt.
    assert redis.of("release")[2:] == [("me", b"a", 1, 0, "1", b"b", 2, 0, "1")] * 2


async def test_a_processor_wakes_itself_and_leaves_the_list_at_its_end(
    redis: RedisDouble, claims: Claims
) -> None:
    await claims.wake()
    await claims.resign()

    mine = redis.keys.wakeups_of("me")
    assert redis.steps == [("LPUSH", mine, "1"), ("ZREM", redis.keys.processors, "me"), ("DEL", mine)]


async def test_a_processor_ends_without_redis(redis: RedisDouble, claims: Claims) -> None:
    redis.replies = {"LPUSH": [AWAY], "ZREM": [AWAY]}

    await claims.wake()
    with captured_logs() as lines:
        await claims.resign()

    assert len(lines) == 1
