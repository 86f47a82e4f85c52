"""A processor handles the messages of many stations: when it claims, releases, renews and pauses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.transport.queue import processor as module
from ocpp_server.transport.queue import queued_commands
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.processor import Processor
from ocpp_server.transport.queue.redis import QueueRedis
from tests.logged import captured_logs
from tests.unit.transport.queue_rules.processors import next_unless_over
from tests.unit.transport.queue_rules.redis_double import AWAY, RedisDouble, a_claim, requests, taken


async def test_the_heads_of_a_station_are_handled_in_order_until_none_is_left(make: Any) -> None:
    commits = [[[b"next", b"two", b""]], [[b"next", b"three", b""]], [[b"done", b"", b""]]]
    first = a_claim(head=b"one", attempts=3)

    async with make(claim=[taken(first)], commit=commits) as running:
        await asyncio.sleep(0.5)

        # Only the first head has been tried before.
        assert running.stations.heads == [("CP-1", b"one", 3), ("CP-1", b"two", 1), ("CP-1", b"three", 1)]
        assert running.stations.claims[0].key == first.key
        assert not running.processor._working and not running.processor._tasks


async def test_a_station_is_released_after_32_messages(make: Any) -> None:
    async with make(claim=[taken(a_claim())]) as running:
        running.redis.replies["commit"] = [next_unless_over] * 100
        await asyncio.sleep(0.5)

        assert len(running.stations.heads) == 32
        assert [requests(args)[0][3] for args in running.redis.of("commit")] == ["1"] * 31 + [""]


async def test_the_next_claim_waits_for_as_long_as_nothing_is_due(make: Any) -> None:
    full = taken(*(a_claim(f"n{n}") for n in range(50)))

    async with make(claim=[full, taken(a_claim(), left=2), taken(left=1), taken()]) as running:
        await asyncio.sleep(0.5)

        assert [step[2] for step in running.redis.of("claim")] == [50] * 5
        # At once after a full claim; briefly while stations are reserved for others; else until a wake-up.
        assert [step[-1] for step in running.redis.of("claim")] == [0.0, 0.0, 0.05, 0.05, 1.0]


async def test_claims_are_two_milliseconds_apart(make: Any) -> None:
    times: list[float] = []

    def full(*_: Any) -> Any:
        times.append(asyncio.get_running_loop().time())
        return taken(*(a_claim(f"n{n}") for n in range(50))) if len(times) < 4 else taken()

    async with make(claim=[full] * 4):
        await asyncio.sleep(0.5)

    assert len(times) == 4
    assert all(later - earlier >= 0.0019 for earlier, later in zip(times, times[1:], strict=False))


async def test_at_most_200_stations_are_handled_at_once(make: Any) -> None:
    gate = asyncio.Event()
    names = iter(f"n{n}" for n in range(1_000))

    def some(*arguments: Any) -> Any:
        return taken(*(a_claim(next(names)) for _ in range(arguments[2])))

    async with make(claim=[taken(*(a_claim(f"first{n}") for n in range(49)))] + [some] * 9) as running:
        released = {f"first{number}": asyncio.Event() for number in range(49)}

        async def wait(claim: Claim) -> None:
            await released.get(claim.identity, gate).wait()

        running.stations.does = wait
        await asyncio.sleep(2)
        # 49, three times 50, and the one that was left.
        assert [step[2] for step in running.redis.of("claim")] == [50, 50, 50, 50, 1]
        assert len(running.stations.heads) == 200

        # It waits until there is room, again and again.
        for number in range(3):
            released[f"first{number}"].set()
            await asyncio.sleep(0.05)
            assert [step[2] for step in running.redis.of("claim")[5:]] == [1] * (number + 1)
        for one in (*released.values(), gate):
            one.set()


async def test_without_redis_the_processor_asks_again_every_fifth_of_a_second_and_logs_once(
    make: Any,
) -> None:
    with captured_logs() as lines:
        async with make(claim=[AWAY, AWAY, AWAY, AWAY, taken(a_claim()), AWAY, taken()]) as running:
            await asyncio.sleep(0.39)
            assert len(running.redis.of("claim")) == 2
            await asyncio.sleep(1)

            assert len(running.stations.heads) == 1
            # Without Redis there is nothing to wait for.
            assert [step[-1] for step in running.redis.of("claim")][:4] == [0.0] * 4

    away = [line for line in lines if line["event"] == "processor.redis_away"]
    # Once for each outage, of which there were two.
    assert len(away) == 2


async def test_a_fenced_station_is_forgotten_and_not_given_back(make: Any) -> None:
    async with make(claim=[taken(a_claim())], commit=[[[b"fenced", b"", b""]]]) as running:
        await asyncio.sleep(0.5)

        assert running.stations.forgotten == [b"CP-1"]
        assert len(running.stations.heads) == 1 and not running.redis.of("release")


@pytest.mark.parametrize(
    ("error", "attempts", "release"),
    [
        # The database is away: all stations wait, and it was no attempt.
        (StorageUnavailable(), 1, (3000, "1")),
        (LiveStateUnavailable(), 1, (0, "1")),
        (LookupError("a bug"), 1, (200, "")),
        (LookupError("a bug"), 4, (800, "")),
    ],
)
async def test_a_failed_message_stays_and_its_station_is_given_back(
    make: Any, error: Exception, attempts: int, release: tuple[int, str]
) -> None:
    async def fail(_: Claim) -> None:
        raise error

    async with make(claim=[taken(a_claim(attempts=attempts))]) as running:
        running.stations.does = fail
        await asyncio.sleep(0.5)

        assert running.redis.of("release") == [("me", b"CP-1", 7, *release)]
        assert running.stations.forgotten == [b"CP-1"] and not running.redis.of("commit")


def test_the_pause_for_the_database_differs_from_process_to_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.random, "uniform", lambda least, most: least)

    assert module._storage_pause() == 1.0


async def test_a_station_that_is_claimed_again_waits_for_its_task_that_ends(make: Any) -> None:
    gate = asyncio.Event()

    async def wait(claim: Claim) -> None:
        if claim.epoch == 1:
            await gate.wait()

    async with make(claim=[taken(a_claim(epoch=1)), taken(a_claim(epoch=2))]) as running:
        running.stations.does = wait
        await asyncio.sleep(0.5)
        assert len(running.stations.heads) == 1
        assert running.processor._working[b"CP-1"].claim.epoch == 2

        gate.set()
        await asyncio.sleep(0.01)
        assert [claim.epoch for claim in running.stations.claims] == [1, 2]
        assert len(running.stations.heads) == 2 and not running.processor._working


async def test_claims_are_renewed_every_three_seconds_until_their_message_is_stuck(make: Any) -> None:
    gate = asyncio.Event()
    times: list[float] = []

    async def wait(_: Claim) -> None:
        times.append(running.now)
        await gate.wait()

    async with make(claim=[taken(left=1)]) as running:
        running.stations.does = wait
        await asyncio.sleep(1.6)
        running.redis.replies["claim"] = [taken(a_claim())]
        await asyncio.sleep(128)

        renewed = running.redis.of("renew")
        # Claimed in the third second, and renewed until it is between 117 and 118 seconds old.
        assert 2 < times[0] < 3
        assert renewed == [("me", 10_000)] + [("me", 10_000, b"CP-1", 7)] * 40 + [("me", 10_000)] * 3
        gate.set()


async def test_a_lost_claim_is_logged(make: Any) -> None:
    gate = asyncio.Event()

    with captured_logs() as lines:
        async with make(claim=[taken(a_claim())], renew=[[], b"l"]) as running:
            running.stations.does = lambda _: gate.wait()
            await asyncio.sleep(4)
            gate.set()

    lost = [line for line in lines if line["event"] == "processor.claim_lost"]
    assert [line["station"] for line in lost] == ["CP-1"]


async def test_stations_of_other_processors_are_forgotten_every_ten_seconds(make: Any) -> None:
    gate = asyncio.Event()

    async with make(claim=[taken(a_claim())]) as running:
        running.stations.does = lambda _: gate.wait()
        await asyncio.sleep(20.5)

        assert running.stations.working == [set(), {b"CP-1"}, {b"CP-1"}]
        gate.set()


async def test_dead_gateways_are_looked_for_every_three_seconds(make: Any) -> None:
    async with make() as running:
        await asyncio.sleep(10)

        assert running.redis.swept == 4


async def test_the_sweep_of_commands_says_when_it_is_due_again(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []

    async def sweep(redis: Any) -> float:
        assert isinstance(redis, RedisDouble)
        times.append(asyncio.get_running_loop().time())
        return 0.0 if len(times) == 1 else 4.0

    async with make() as running:
        monkeypatch.setattr(queued_commands, "sweep", sweep)
        await asyncio.sleep(10)

    assert [time - running.began for time in times] == [pytest.approx(due, abs=0.1) for due in (0, 0, 4, 8)]


@pytest.mark.parametrize("error", [AWAY, LookupError("a bug")])
async def test_a_chore_that_fails_is_done_again_at_its_time(make: Any, error: Exception) -> None:
    async with make(renew=[error, error]) as running:
        await asyncio.sleep(7)

        assert len(running.redis.of("renew")) == 3


async def test_a_processor_that_stops_finishes_its_messages_and_leaves_the_list(
    make: Any,
) -> None:
    gate = asyncio.Event()

    async with make(claim=[taken(a_claim())], commit=[next_unless_over] * 5) as running:
        running.stations.does = lambda _: gate.wait()
        await asyncio.sleep(0.5)
        running.loop.call_later(2, gate.set)

    # The message that was promised with the first commit is the last one.
    assert [arguments[5] for arguments in running.redis.of("commit")] == ["1", ""]
    assert running.stations.are_all_forgotten and running.redis.is_closed
    mine = running.redis.keys.wakeups_of("me")
    assert running.redis.steps[-2:] == [("ZREM", running.redis.keys.processors, "me"), ("DEL", mine)]
    assert ("LPUSH", mine, "1") in running.redis.steps


async def test_a_station_that_is_claimed_during_the_stop_is_given_back_unhandled(make: Any) -> None:
    stop: list[asyncio.Event] = []

    def claimed_late(*_: Any) -> Any:
        stop[0].set()
        return taken(a_claim("late"))

    async with make() as running:
        stop.append(running.processor._stopping)
        await asyncio.sleep(0.5)
        running.redis.replies["claim"] = [claimed_late]
        await asyncio.sleep(2)

    assert running.redis.of("release") == [("me", b"late", 7, 0, "1")]
    assert not running.stations.heads


async def test_a_claim_that_arrives_after_the_stop_is_given_back_before_the_processor_leaves(
    make: Any,
) -> None:
    async with make() as running:
        await asyncio.sleep(0.5)
        running.redis.replies["claim"] = [taken(a_claim("late"))]

    names = [step[0] for step in running.redis.steps]
    assert names.index("release") < names.index("ZREM")
    assert not running.stations.heads


async def test_a_processor_with_legacy_gateways_runs_their_chore_until_it_stops(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[str] = []

    class Legacy:
        async def run(self) -> None:
            states.append("begun")
            try:
                await asyncio.sleep(1_000)
            finally:
                await asyncio.sleep(1)
                states.append("ended")

    monkeypatch.setattr(module, "LegacyGateways", lambda redis: Legacy())
    monkeypatch.setattr(module.settings, "TRANSPORT_COMPAT", True)

    async with make() as running:
        await asyncio.sleep(0.5)
        assert states == ["begun"]
        running.stations.at_end = lambda: states.append("stations forgotten")

    assert states == ["begun", "ended", "stations forgotten"]


async def test_the_service_for_legacy_gateways_begins_again_after_an_error(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []

    class Legacy:
        async def run(self) -> None:
            begun.append(running.now)
            await asyncio.sleep(2)
            raise ExceptionGroup("one of its loops", [LookupError("a bug")])

    monkeypatch.setattr(module, "LegacyGateways", lambda redis: Legacy())
    monkeypatch.setattr(module.settings, "TRANSPORT_COMPAT", True)

    async with make() as running:
        await asyncio.sleep(7)

    assert begun == [0.0, 3.0, 6.0]


async def test_a_full_processor_stops(make: Any) -> None:
    gate = asyncio.Event()
    names = iter(f"n{n}" for n in range(1_000))

    def some(*arguments: Any) -> Any:
        return taken(*(a_claim(next(names)) for _ in range(arguments[2])))

    async with make(claim=[some] * 4) as running:
        running.stations.does = lambda _: gate.wait()
        await asyncio.sleep(1)
        running.loop.call_later(2, gate.set)

    assert len(running.stations.heads) == 200


async def test_processors_of_one_machine_have_names_of_their_own(settings: Any) -> None:
    assert Processor().name != Processor().name
    assert Processor()._legacy is None
    settings.TRANSPORT_COMPAT = True
    assert Processor()._legacy is not None


async def test_the_parts_of_a_processor_share_its_redis_and_its_name(settings: Any) -> None:
    settings.TRANSPORT_COMPAT = True
    made = Processor()

    assert isinstance(made._redis, QueueRedis)
    assert (made._claims._redis, made._claims._processor) == (made._redis, made.name)
    assert (made._stations._redis, made._stations._legacy) == (made._redis, made._legacy)
