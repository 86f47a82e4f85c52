"""The steps of the processor in Redis: it claims a station, handles its queue and commits the answers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import redis as redis_client

from ocpp_server.transport.queue import claims as claiming
from ocpp_server.transport.queue import downlink, envelope
from ocpp_server.transport.queue.claims import Claim, Claims, Fenced
from ocpp_server.transport.queue.keys import QueueKeys, script
from ocpp_server.transport.queue.redis import QueueRedis
from ocpp_server.transport.queue.station import Outcome
from tests.distributed.engines import Redis

HALF_A_CLAIM_MS = claiming.CLAIM_MS / 2


class QueueBench:
    """A queue with its own key prefix. It does the gateway's part with plain Redis commands."""

    def __init__(self, engine: Redis, prefix: str) -> None:
        self.keys = QueueKeys(prefix)
        self.client: redis_client.Redis = engine.client
        self.redis = QueueRedis()

    def processor(self, name: str) -> Claims:
        return Claims(self.redis, name)

    def now_ms(self) -> float:
        seconds, microseconds = self.client.time()  # type: ignore[misc]
        return float(seconds * 1000 + microseconds // 1000)

    def connect(self, identity: str, session: str = "s1", settles_at: str = "0") -> None:
        fields = {"session_id": session, "ws_server_id": "gw", "settles_at": settles_at}
        self.client.delete(self.keys.session(identity))
        self.client.hset(self.keys.session(identity), mapping=fields)
        self.client.zadd(self.keys.clients, {identity: self.now_ms() + 60_000})

    def push(self, identity: str, *messages: str) -> None:
        for message in messages:
            self.client.lpush(self.keys.requests(identity), message)
        self.client.zadd(self.keys.ready, {identity: self.now_ms()}, nx=True)
        self.client.lpush(self.keys.wakeups, 1)

    def answers(self, identity: str) -> Any:
        return self.client.lrange(self.keys.responses(identity), 0, -1)[::-1]  # type: ignore[index]

    def make_due(self, identity: str) -> None:
        """Make the station ready again, as if its claim had expired."""
        self.client.zadd(self.keys.ready, {identity: 0})

    def is_ready(self, identity: str) -> bool:
        return self.client.zscore(self.keys.ready, identity) is not None

    async def submit(
        self, identity: str, message_id: str, *, timeout_ms: int = 5000, session: str = "s1"
    ) -> Any:
        packed = envelope.pack_frame(f'[2,"{message_id}","ClearCache",{{}}]', identity, session_id=session)
        used = script("queued_commands", "call_submit")
        return await self.redis.run(
            used,
            identity,
            session,
            message_id,
            "ClearCache",
            timeout_ms,
            "reply",
            packed,
            downlink.MAX_WAITING,
            "ann",
        )


@pytest_asyncio.fixture
async def bench(redis: Redis, settings: Any) -> AsyncIterator[QueueBench]:
    redis.use(settings)
    settings.REDIS_STATE_PREFIX = f"t{uuid.uuid4().hex[:8]}"
    bench = QueueBench(redis, settings.REDIS_STATE_PREFIX)
    yield bench
    bench.redis.close()


async def take(claims: Claims) -> Claim:
    _, (claim,) = await claims.take(10)
    return claim


def answer(word: str, session: str = "s1") -> Outcome:
    return Outcome(session_id=session, answers=[word.encode()])


async def test_a_station_with_a_colon_in_its_identity_is_claimed_answered_and_released(
    bench: QueueBench,
) -> None:
    bench.connect("A:b:c")
    bench.push("A:b:c", "hello")
    claims = bench.processor("P")

    claim = await take(claims)
    assert await claims.commit(claim, answer("hi"), goes_on=True) is None

    assert (claim.identity, claim.head, claim.session_id) == ("A:b:c", b"hello", "s1")
    assert bench.answers("A:b:c") == ["hi"]
    assert not bench.is_ready("A:b:c")
    assert bench.client.lrange(bench.keys.gateway_wakeups("gw"), 0, -1) == ["A:b:c"]
    assert 0 < int(bench.client.ttl(bench.keys.responses("A:b:c"))) <= 120  # type: ignore[arg-type]


async def test_a_claimed_station_is_handled_in_order_and_by_no_other_processor(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", "2", "3")
    first, second = bench.processor("P1"), bench.processor("P2")
    claim = await take(first)

    assert await second.take(10) == (0, [])
    assert await first.commit(claim, answer("a1"), goes_on=True) == b"2"
    assert await first.commit(claim, answer("a2"), goes_on=True) == b"3"
    assert await first.commit(claim, answer("a3"), goes_on=True) is None

    assert bench.answers("A") == ["a1", "a2", "a3"]


async def test_a_stalled_processor_is_fenced_and_only_one_answer_is_sent(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", "2")
    first, second = bench.processor("P1"), bench.processor("P2")
    stalled = await take(first)
    bench.make_due("A")

    claim = await take(second)
    with pytest.raises(Fenced):
        await first.commit(stalled, answer("old"), goes_on=True)
    assert await second.commit(claim, answer("new"), goes_on=True) == b"2"

    assert (claim.epoch, claim.attempts, claim.head) == (stalled.epoch + 1, 2, b"1")
    assert bench.answers("A") == ["new"]


async def test_an_answer_to_an_old_connection_is_dropped_and_its_message_is_done(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1")
    claims = bench.processor("P")
    claim = await take(claims)
    bench.connect("A", session="s2")

    assert await claims.commit(claim, answer("late"), goes_on=True) is None

    assert bench.answers("A") == []
    assert bench.client.llen(bench.keys.requests("A")) == 0


async def test_a_returned_claim_waits_and_counts_as_an_attempt_or_not(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1")
    claims = bench.processor("P")
    claim = await take(claims)

    await claims.give_back(claim, after_s=60, is_attempt=True)
    assert await claims.take(10) == (0, [])
    bench.make_due("A")
    failed_once = await take(claims)
    await claims.give_back(failed_once, after_s=0, is_attempt=False)
    once_more = await take(claims)

    assert [one.attempts for one in (claim, failed_once, once_more)] == [1, 2, 2]


async def test_a_renewal_extends_a_claim_and_returns_the_lost_ones(bench: QueueBench) -> None:
    for identity in ("A", "B"):
        bench.connect(identity)
        bench.push(identity, "1")
    first, second = bench.processor("P1"), bench.processor("P2")
    _, claims = await first.take(10)
    bench.make_due("A")
    await second.take(1)
    bench.client.zadd(bench.keys.ready, {"B": bench.now_ms() + HALF_A_CLAIM_MS})

    lost = await first.renew(claims)

    due_b = bench.client.zscore(bench.keys.ready, "B")
    assert [claim.identity for claim in lost] == ["A"]
    assert float(str(due_b)) > bench.now_ms() + HALF_A_CLAIM_MS


async def test_a_station_is_left_briefly_to_the_living_processor_that_has_loaded_it(
    bench: QueueBench,
) -> None:
    bench.connect("A")
    bench.push("A", "1")
    knows, other = bench.processor("knows"), bench.processor("other")
    await knows.renew([])
    await knows.commit(await take(knows), answer("a"), goes_on=True)
    bench.push("A", "2")

    left, taken = await other.take(10)

    assert (left, taken) == (1, [])
    assert bench.client.llen(bench.keys.wakeups_of("knows")) == 1
    await knows.resign()
    assert (await take(other)).head == b"2"


async def test_the_station_that_waited_longest_is_first_and_a_busy_one_goes_to_the_end(
    bench: QueueBench,
) -> None:
    for waits_ms, identity in ((30, "Z"), (20, "M"), (10, "A")):
        bench.connect(identity)
        bench.push(identity, "1", "2")
        bench.client.zadd(bench.keys.ready, {identity: bench.now_ms() - waits_ms})
    claims = bench.processor("P")
    _, taken = await claims.take(1)
    assert await claims.commit(taken[0], answer("x"), goes_on=False) is None

    order = [taken[0].identity] + [claim.identity for claim in (await claims.take(10))[1]]

    assert order == ["Z", "M", "A", "Z"]


async def test_a_dead_letter_is_kept_and_the_next_message_is_handled(bench: QueueBench) -> None:
    bench.connect("A")
    bench.push("A", "1", "2")
    claims = bench.processor("P")
    claim = await take(claims)

    assert await claims.commit(claim, Outcome(letter="why"), goes_on=True) == b"2"

    assert bench.client.lrange(bench.keys.dead, 0, -1) == ["why"]
    assert bench.client.lrange(bench.keys.dead_of("A"), 0, -1) == ["why"]


# -- calls ---------------------------------------------------------------------------------------------


async def test_calls_are_sent_one_by_one_and_the_next_one_with_the_commit_of_the_answer(
    bench: QueueBench,
) -> None:
    bench.connect("A")
    assert await bench.submit("A", "c1") == [b"taken", b"c1"]
    assert await bench.submit("A", "c2") == [b"taken", b""]
    assert await bench.submit("A", "c2") == [b"taken", b""], "a call submitted twice waits once"
    bench.push("A", "the answer to c1")
    claims = bench.processor("P")

    await claims.commit(await take(claims), Outcome(session_id="s1", ends="c1"), goes_on=True)

    sent = [envelope.parse(text).message_id for text in bench.answers("A")]
    assert sent == ["c1", "c2"]
    assert bench.client.llen(bench.keys.calls("A")) == 0
    assert bench.client.hget(bench.keys.pending("A"), "message_id") == "c2"


async def test_nothing_is_sent_to_a_station_that_has_not_settled(bench: QueueBench) -> None:
    bench.connect("A", settles_at="")
    await bench.submit("A", "c1")
    assert bench.answers("A") == []
    bench.push("A", "boot")
    claims = bench.processor("P")

    await claims.commit(await take(claims), Outcome("s1", [b"accepted"], settles="0"), goes_on=True)

    assert bench.answers("A")[0] == "accepted"
    assert envelope.parse(bench.answers("A")[1]).message_id == "c1"


async def test_a_deadline_ends_the_call_in_flight_and_waiting_calls(bench: QueueBench) -> None:
    bench.connect("A")
    await bench.submit("A", "c1", timeout_ms=1)
    await bench.submit("A", "c2", timeout_ms=1)
    await bench.submit("A", "c3", timeout_ms=60_000)
    await asyncio.sleep(0.01)  # the test is about this delay

    wait, ended, sent = await bench.redis.run(script("queued_commands", "call_expire"), 10)

    assert [(one[1], one[2]) for one in ended] == [(b"c1", b"timeout"), (b"c2", b"timeout")]
    assert sent == [b"c3"]
    assert 50_000 < int(wait) <= 60_000


async def test_a_call_does_not_expire_while_its_answer_is_handled(bench: QueueBench) -> None:
    bench.connect("A")
    await bench.submit("A", "c1", timeout_ms=1)

    found = await bench.redis.run(script("queued_commands", "call_answered"), "A", "c1", 60_000)
    await asyncio.sleep(0.01)  # the test is about this delay
    _, ended, _ = await bench.redis.run(script("queued_commands", "call_expire"), 10)

    assert found[0] == b"ClearCache"
    assert ended == []


async def test_the_actor_of_a_call_is_not_in_the_message_to_the_gateway(bench: QueueBench) -> None:
    bench.connect("A")
    await bench.submit("A", "c1")

    found = await bench.redis.run(script("queued_commands", "call_answered"), "A", "c1", 60_000)

    assert found[6] == b"ann"
    assert all("ann" not in answer for answer in map(str, bench.answers("A")))


async def test_a_call_to_a_closed_connection_is_refused_and_the_waiting_calls_end(bench: QueueBench) -> None:
    bench.connect("A")
    await bench.submit("A", "c1")
    await bench.submit("A", "c2")
    bench.connect("A", session="s2")

    assert await bench.submit("A", "c3") == [b"gone", b""]
    ended = await bench.redis.run(script("queued_commands", "call_drop"), "A")

    assert [(one[1], one[2]) for one in ended] == [(b"c1", b"disconnected"), (b"c2", b"disconnected")]
    assert bench.client.zcard(bench.keys.deadlines) == 0


async def test_beyond_64_waiting_calls_the_next_is_refused(bench: QueueBench) -> None:
    bench.connect("A")
    for number in range(65):
        assert (await bench.submit("A", f"c{number}"))[0] == b"taken"

    assert await bench.submit("A", "one more") == [b"full", b""]


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"a","MeterValues",{"x":1.10,"y":9007199254740993,"z":1e-7}]',
        '[ 2 , "a" , "DataTransfer" , {"data":"\\u00e9\\/"} ]',
        "[2,",
        '[2,"a","X",{"v":"\\ud800"}]',
        "",
        "[3]",
    ],
)
def test_a_frame_keeps_every_byte_in_its_envelope(frame: str) -> None:
    packed = envelope.pack_frame(frame, "A", session_id="s1", protocol="ocpp1.6", seq=1)

    assert envelope.parse(packed).frame == frame


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"charge_point_id":"A"}', b'{"charge_point_id":"\xff"}']
)
def test_an_invalid_envelope_is_reported_as_unreadable(text: bytes) -> None:
    with pytest.raises(envelope.Unreadable):
        envelope.parse(text)
