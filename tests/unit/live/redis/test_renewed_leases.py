"""The renewal of leases: what is restored, what is given up, and what a dead process leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.live.redis import leases as module
from ocpp_server.live.redis.keys import RELEASE
from ocpp_server.live.redis.leases import Leases, chunks
from ocpp_server.live.redis.link import Link
from tests.logged import captured_logs
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import PATIENCE_S, Notices, expire, opened, settle

# -- renewal -------------------------------------------------------------------------------------------


async def test_a_renewal_extends_the_leases_in_chunks(
    leases: Leases, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.CHUNK == 200
    monkeypatch.setattr(module, "CHUNK", 2)
    for number in range(3):
        await leases.take(opened(f"s{number}", f"CP-{number}"))
        expire(bench, f"CP-{number}")

    await leases.renew(was_flushed=False)
    await leases.read(is_complete=True)

    assert bench.client.zcount(bench.keys.clients, 2, "+inf") == 3


def test_chunks_have_all_items_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)

    assert list(chunks([1, 2, 3, 4, 5])) == [[1, 2], [3, 4], [5]]
    assert list(chunks([])) == []


async def test_a_renewed_lease_is_left_as_it_is(leases: Leases, notices: Notices, bench: Bench) -> None:
    await leases.take(opened())
    with bench.news() as news:
        await leases.renew(was_flushed=False)
    await settle()

    assert (news, notices) == ([], Notices())


@pytest.mark.parametrize("was_flushed", [False, True])
async def test_a_lost_lease_is_restored_and_reported_unless_redis_was_flushed(
    leases: Leases, notices: Notices, bench: Bench, was_flushed: bool
) -> None:
    await leases.take(opened())
    await leases.take(opened("s2", "CP-2"))
    before = bench.content()["session:CP-1"]
    bench.client.delete(bench.keys.session("CP-1"), bench.keys.clients)

    with captured_logs() as lines:
        await leases.renew(was_flushed=was_flushed)
    await settle()

    after = bench.content()["session:CP-1"]
    assert (after["session_id"], after["fence"]) == ("s1", before["fence"])
    assert notices == Notices([], [] if was_flushed else ["s1"])
    assert [line["event"] for line in lines] == ([] if was_flushed else ["station.regained"])


async def test_a_connection_with_a_newer_one_is_given_up(
    leases: Leases, other: Leases, notices: Notices, bench: Bench
) -> None:
    await leases.take(opened())
    await other.take(opened("s2"))

    with captured_logs() as lines:
        await leases.renew(was_flushed=False)
    await settle()

    assert notices == Notices(["s1"], [])
    assert [line["event"] for line in lines] == ["station.lost"]
    assert bench.content()["session:CP-1"]["session_id"] == "s2"


async def test_without_callbacks_a_lost_or_regained_connection_is_only_logged(
    leases: Leases, other: Leases, bench: Bench
) -> None:
    await other.take(opened())
    await other.take(opened("s3", "CP-3"))
    await leases.take(opened("s2"))
    bench.client.delete(bench.keys.session("CP-3"))

    with captured_logs() as lines:
        await other.renew(was_flushed=False)
    await settle()

    assert [line["event"] for line in lines] == ["station.lost", "station.regained"]


async def test_a_connection_that_closes_during_the_renewal_is_not_restored(
    leases: Leases, link: Link, notices: Notices, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leases.take(opened())
    run = link.run

    async def closed_meanwhile(*arguments: Any) -> Any:
        result = await run(*arguments)
        if leases.held:
            await leases.release("CP-1", "s1")
            return [0]
        return result

    monkeypatch.setattr(link, "run", closed_meanwhile)
    await leases.renew(was_flushed=False)
    await settle()

    assert (bench.content(), notices) == ({}, Notices())


async def test_a_connection_that_closes_while_it_is_restored_is_released_again(
    leases: Leases, link: Link, notices: Notices, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leases.take(opened())
    bench.client.delete(bench.keys.session("CP-1"))
    run, scripts = link.run, []

    async def closed_meanwhile(script: Any, *arguments: Any) -> Any:
        scripts.append(script)
        result = await run(script, *arguments)
        if len(scripts) == 2:
            # The close comes before the restored session, so it finds none.
            leases.held.clear()
        return result

    monkeypatch.setattr(link, "run", closed_meanwhile)
    await leases.renew(was_flushed=False)
    await settle()

    assert scripts[-1] is RELEASE
    assert (bench.content(), notices) == ({}, Notices())


async def test_a_notice_is_not_lost_before_it_has_ended(leases: Leases, other: Leases) -> None:
    """Python keeps no task alive that nothing refers to."""
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_: str) -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    leases.lost = slow
    await leases.take(opened())
    await other.take(opened("s2"))
    await leases.renew(was_flushed=False)
    async with asyncio.timeout(PATIENCE_S):
        await begun.wait()
        may_end.set()
        await ended.wait()


# -- connections of dead processes ---------------------------------------------------------------------


async def test_expired_leases_are_removed_and_published(leases: Leases, other: Leases, bench: Bench) -> None:
    await other.take(opened())
    await other.take(opened("s2", "CP-2"))
    expire(bench)

    with bench.news() as news, captured_logs() as lines:
        await leases.remove_dead()

    assert [name for name in bench.content() if name.startswith("session")] == ["session:CP-2"]
    assert news == [["", [["offline", "CP-1"]]]]
    assert [(line["event"], line["station"]) for line in lines] == [("station.lease_ended", "CP-1")]


async def test_the_connection_of_a_gateway_is_not_reported_as_removed(leases: Leases, bench: Bench) -> None:
    bench.client.hset(bench.keys.session("CP-1"), "session_id", "s1")
    expire(bench)

    with captured_logs() as lines:
        await leases.remove_dead()

    assert lines == []


async def test_connections_that_no_process_holds_are_gone(
    leases: Leases, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    await leases.take(opened("s1", "CP-1"))
    again = opened("s2", "CP-2")
    await leases.take(again)
    before = bench.content()

    believed = {"CP-0": "s0", "CP-1": "s1", "CP-2": "older", "CP-3": "s3"}

    assert list((await leases.gone(believed)).items()) == [
        ("s0", None), ("older", again.connected_at), ("s3", None),
    ]  # fmt: skip
    assert await leases.gone({}) == {}
    assert bench.content() == before


@pytest.mark.parametrize("text", ["", "yesterday", "2026-05-04T12:00:00"])
async def test_an_odd_time_of_a_session_is_no_new_connection(leases: Leases, bench: Bench, text: str) -> None:
    bench.client.hset(bench.keys.session("CP-1"), mapping={"session_id": "s1", "connected_at": text})

    assert await leases.gone({"CP-1": "older"}) == {"older": None}
