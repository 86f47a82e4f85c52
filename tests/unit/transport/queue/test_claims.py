"""The claims of processors: one owner of a station at a time, and who gets it next."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ocpp_server.transport.queue.claims import CLAIM_MS, RESERVED_MS, Claim, Claims
from ocpp_server.transport.queue.station import Outcome
from tests.redis_scripts import START_MS, QueueBench

EPOCH = START_MS * 1000 + 250 + 1
LEASE_MS = 3_600_000


async def taken(claims: Claims, count: int = 10) -> list[Claim]:
    return (await claims.take(count))[1]


async def one(claims: Claims) -> Claim:
    (claim,) = await taken(claims)
    return claim


def answer(*words: str, session: str = "s1") -> Outcome:
    return Outcome(session_id=session, answers=[word.encode() for word in words])


# -- claim ---------------------------------------------------------------------------------------------


async def test_a_claim_holds_the_head_and_the_session_and_hides_the_station_for_its_lifetime(
    bench: QueueBench,
) -> None:
    bench.connect("A", channel="c1", settles_at="1234")
    bench.push("A", "1", "2")

    claim = await one(Claims(bench.redis, "P"))

    assert claim == Claim(b"A", EPOCH, 1, "s1", "c1", "1234", b"1")
    assert bench.client.hgetall(bench.keys.lease("A")) == {
        "owner": "P",
        "epoch": str(EPOCH),
        "attempts": "1",
        "expires": str(START_MS + LEASE_MS),
    }
    assert bench.client.zscore(bench.keys.ready, "A") == START_MS + CLAIM_MS
    assert bench.client.hgetall(bench.keys.epoch) == {"A": str(EPOCH)}
    assert bench.lists("requests:A") == {"requests:A": ["1", "2"]}
    assert bench.expires("server:lease:A", LEASE_MS)


@pytest.mark.parametrize(("later_ms", "is_prolonged"), [(LEASE_MS // 2, False), (LEASE_MS // 2 + 1, True)])
async def test_a_lease_is_prolonged_in_its_second_half(
    bench: QueueBench, later_ms: int, is_prolonged: bool
) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")
    await one(claims)
    bench.client.pexpire(bench.keys.lease("A"), 60_000)
    bench.move_clock(later_ms)

    await one(claims)

    assert bench.expires("server:lease:A", LEASE_MS if is_prolonged else 60_000)
    expires = START_MS + LEASE_MS + (later_ms if is_prolonged else 0)
    assert bench.client.hget(bench.keys.lease("A"), "expires") == str(expires)


async def test_a_lease_of_an_earlier_release_gets_its_expiry_noted(bench: QueueBench) -> None:
    bench.push("A", "1")
    bench.client.hset(bench.keys.lease("A"), mapping={"owner": "P", "epoch": "7", "attempts": "0"})
    bench.client.hset(bench.keys.epoch, "A", "7")

    claim = await one(Claims(bench.redis, "P"))

    assert (claim.epoch, claim.attempts) == (8, 1)
    assert bench.expires("server:lease:A", LEASE_MS)


async def test_a_claim_of_many_stations_counts_each_epoch_by_itself(bench: QueueBench) -> None:
    for waits_ms, identity in ((3, "A"), (2, "B"), (1, "C")):
        bench.push(identity, f"{identity}1", waits_ms=waits_ms)
    bench.client.hset(bench.keys.epoch, mapping={"A": "7", "C": "9"})

    claims = await taken(Claims(bench.redis, "P"))

    assert [(claim.key, claim.epoch, claim.head) for claim in claims] == [
        (b"A", 8, b"A1"),
        (b"B", EPOCH, b"B1"),
        (b"C", 10, b"C1"),
    ]
    assert bench.client.hgetall(bench.keys.epoch) == {"A": "8", "B": str(EPOCH), "C": "10"}


async def test_a_station_without_a_session_is_claimed_with_empty_fields(bench: QueueBench) -> None:
    bench.push("A", "1")

    claim = await one(Claims(bench.redis, "P"))

    assert (claim.session_id, claim.channel, claim.settles_at) == ("", "", "")


async def test_each_claim_counts_an_epoch_and_an_attempt(bench: QueueBench) -> None:
    bench.push("A", "1")
    claims = Claims(bench.redis, "P")
    first = await one(claims)
    bench.move_clock(CLAIM_MS)

    second = await one(claims)

    assert (first.epoch, first.attempts, second.epoch, second.attempts) == (EPOCH, 1, EPOCH + 1, 2)


async def test_an_unexpired_claim_is_not_given_to_another_processor(bench: QueueBench) -> None:
    bench.push("A", "1")
    await one(Claims(bench.redis, "P1"))
    bench.move_clock(CLAIM_MS - 2)

    assert await Claims(bench.redis, "P2").take(10) == (0, [])
    bench.move_clock(1)  # other writers may round the time up
    assert (await one(Claims(bench.redis, "P2"))).epoch == EPOCH + 1


async def test_the_longest_waiting_stations_are_claimed_and_no_more_than_asked_for(bench: QueueBench) -> None:
    for waits_ms, identity in ((10, "A"), (30, "C"), (20, "B")):
        bench.push(identity, "1", waits_ms=waits_ms)

    claims = await taken(Claims(bench.redis, "P"), 2)

    assert [claim.identity for claim in claims] == ["C", "B"]
    # More may be due: the next processor is woken up.
    assert bench.lists("server:bell") == {"server:bell": ["1"]}


async def test_useless_wakeups_are_removed_when_no_more_station_is_due(bench: QueueBench) -> None:
    bench.push("A", "1")
    bench.client.lpush(bench.keys.wakeups, "1", "1")

    await taken(Claims(bench.redis, "P"), 2)

    assert bench.lists("server:bell") == {}


async def test_at_most_64_wakeups_are_kept(bench: QueueBench) -> None:
    bench.push("A", "1")
    bench.client.lpush(bench.keys.wakeups, *("1" * 64))

    await taken(Claims(bench.redis, "P"), 1)

    assert bench.client.llen(bench.keys.wakeups) == 64


async def test_a_station_without_a_message_is_no_longer_due(bench: QueueBench) -> None:
    bench.client.zadd(bench.keys.ready, {"A": START_MS, "B": START_MS})
    bench.push("B", "1")

    assert (await one(Claims(bench.redis, "P"))).identity == "B"

    assert bench.client.zscore(bench.keys.ready, "A") is None
    assert bench.client.exists(bench.keys.lease("A")) == 0
    assert bench.client.hexists(bench.keys.epoch, "A") == 0


async def test_64_reserved_stations_do_not_hide_the_one_behind_them(bench: QueueBench) -> None:
    loaded = [f"L{number}" for number in range(64)]
    await loaded_by("P1", loaded, bench)
    for identity in loaded:
        bench.push(identity, "2", waits_ms=1)
    bench.push("Z", "1")

    left, claims = await Claims(bench.redis, "P2").take(1)

    assert (left, [claim.identity for claim in claims]) == (64, ["Z"])


async def test_one_claim_checks_64_stations_more_than_it_may_take(bench: QueueBench) -> None:
    loaded = [f"L{number}" for number in range(70)]
    await loaded_by("P1", loaded, bench)
    for identity in loaded:
        bench.push(identity, "2")

    assert await Claims(bench.redis, "P2").take(1) == (65, [])


# -- reserved stations ---------------------------------------------------------------------------------


async def loaded_by(processor: str, identities: Sequence[str], bench: QueueBench) -> None:
    """Let a living processor handle one message of each station."""
    for identity in identities:
        bench.push(identity, "1")
    claims = Claims(bench.redis, processor)
    await claims.renew([])
    for claim in await taken(claims, 100):
        await claims.commit(claim, Outcome(), goes_on=True)


async def test_a_due_station_is_reserved_for_the_living_processor_that_has_loaded_it(
    bench: QueueBench,
) -> None:
    await loaded_by("P1", ["A"], bench)
    bench.client.lpush(bench.keys.wakeups, "1")
    bench.push("A", "2")

    assert await Claims(bench.redis, "P2").take(10) == (1, [])

    # It wakes up the other processor, and leaves the wake-ups to others.
    assert bench.lists("server:bell:P1", "server:bell") == {"server:bell:P1": ["1"], "server:bell": ["1"]}
    assert (await one(Claims(bench.redis, "P1"))).head == b"2"


async def test_a_reservation_ends_after_its_time(bench: QueueBench) -> None:
    await loaded_by("P1", ["A"], bench)
    bench.push("A", "2")
    bench.move_clock(RESERVED_MS - 1)
    assert await Claims(bench.redis, "P2").take(10) == (1, [])
    bench.move_clock(1)

    assert (await one(Claims(bench.redis, "P2"))).head == b"2"
    assert bench.client.llen(bench.keys.wakeups_of("P1")) == 1


async def test_no_station_is_reserved_for_a_processor_whose_lease_has_expired(bench: QueueBench) -> None:
    await loaded_by("P1", ["A"], bench)
    bench.move_clock(CLAIM_MS - 1)
    bench.push("A", "2")
    assert await Claims(bench.redis, "P2").take(10) == (1, [])
    bench.move_clock(1)

    assert (await one(Claims(bench.redis, "P2"))).head == b"2"


async def test_no_station_is_reserved_for_a_processor_that_has_resigned(bench: QueueBench) -> None:
    await loaded_by("P1", ["A"], bench)
    await Claims(bench.redis, "P1").resign()
    bench.push("A", "2")

    assert (await one(Claims(bench.redis, "P2"))).head == b"2"


async def test_a_station_whose_message_failed_is_reserved_for_no_processor(bench: QueueBench) -> None:
    first = Claims(bench.redis, "P1")
    await first.renew([])
    bench.push("A", "1")
    await first.give_back(await one(first), after_s=0, is_attempt=True)

    assert (await one(Claims(bench.redis, "P2"))).attempts == 2


# -- names ---------------------------------------------------------------------------------------------


async def test_an_identity_that_looks_like_a_time_is_a_station_as_any_other(bench: QueueBench) -> None:
    bench.push(str(START_MS), "1")
    await one(Claims(bench.redis, "P1"))
    bench.push("A", "1")

    assert (await one(Claims(bench.redis, "P2"))).identity == "A"
