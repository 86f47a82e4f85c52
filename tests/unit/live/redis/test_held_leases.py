"""The connections of one process and those of the others, as leases in Redis."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.records import Connection
from ocpp_server.live.redis import leases as module
from ocpp_server.live.redis.leases import Leases
from ocpp_server.live.redis.link import Link
from tests.logged import captured_logs
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import AT, LEASE_MS, Notices, expire, opened, settle

# -- connections ---------------------------------------------------------------------------------------


async def test_a_connection_is_registered_with_all_that_other_programs_need(
    leases: Leases, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.time, "time", lambda: 1_800_000_000.9)
    with bench.news() as news:
        assert await leases.take(opened()) is None

    session = bench.content()["session:CP-1"]
    assert int(session.pop("fence")) > 0
    assert session == {
        "charge_point_id": "CP-1",
        "session_id": "s1",
        "ws_server_id": "P1",
        "channel": "process.1",
        "remote_addr": "192.0.2.7",
        "protocol": "ocpp1.6",
        "connected_at": "2026-05-04T12:00:00+00:00",
        "last_activity": "1800000000",
    }
    assert news == [["", [["online", "CP-1"]]]]
    seconds, microseconds = bench.client.time()
    left_ms = bench.client.zscore(bench.keys.clients, "CP-1") - seconds * 1000 - microseconds / 1000
    assert LEASE_MS - 10_000 < left_ms < LEASE_MS + 1  # rounded


async def test_a_newer_connection_gets_the_one_that_it_replaces(leases: Leases, other: Leases) -> None:
    await leases.take(opened())

    assert await other.take(opened("s2")) == opened(server="P1")


async def test_a_connection_is_found_by_every_process_in_any_spelling(leases: Leases, other: Leases) -> None:
    await leases.take(opened())
    other.received("online", "CP-1")

    found = Connection("s1", "CP-1", "ocpp1.6", "process.1", "192.0.2.7", AT, server="P1")
    assert await leases.find("cp-1") == found
    assert await other.find("cp-1") == found
    assert await other.find("CP-2") is None
    assert isinstance(found.connected_at, datetime)


async def test_the_connection_of_a_gateway_has_no_channel_and_may_have_no_server(
    leases: Leases, bench: Bench
) -> None:
    await leases.take(opened())
    bench.client.hdel(bench.keys.session("CP-1"), "channel", "ws_server_id")

    found = await leases.find("CP-1")

    assert found is not None
    assert (found.channel, found.server) == ("", "")


@pytest.mark.parametrize(
    "missing", ["session_id", "charge_point_id", "protocol", "remote_addr", "connected_at"]
)
async def test_a_session_without_a_needed_field_is_no_connection(
    leases: Leases, bench: Bench, missing: str
) -> None:
    await leases.take(opened())
    bench.client.hdel(bench.keys.session("CP-1"), missing)

    with captured_logs() as lines:
        assert await leases.find("CP-1") is None

    station = "" if missing == "charge_point_id" else "CP-1"
    assert [(line["event"], line["station"]) for line in lines] == [("redis.odd_session", station)]


async def test_a_released_connection_is_gone_and_a_replaced_one_is_not_released(
    leases: Leases, bench: Bench
) -> None:
    await leases.take(opened())
    await leases.take(opened("s2"))

    assert await leases.release("cp-1", "s1") is False
    assert leases.held["cp-1"][0].id == "s2"

    with bench.news() as news:
        assert await leases.release("CP-1", "s2") is True
    assert (leases.held, bench.content()) == ({}, {})
    assert news == [["", [["offline", "CP-1"]]]]
    assert await leases.release("CP-1", "s2") is False


# -- while Redis refuses -------------------------------------------------------------------------------


async def test_a_connection_that_redis_refused_is_not_held(leases: Leases, bench: Bench) -> None:
    with bench.full(), pytest.raises(LiveStateUnavailable):
        await leases.take(opened())

    assert (leases.held, leases.online) == ({}, {})


async def test_a_connection_that_was_registered_without_an_answer_is_released_with_the_next_renewal(
    leases: Leases, link: Link, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = link.run

    async def unanswered(*arguments: Any) -> Any:
        await run(*arguments)
        raise LiveStateUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(link, "run", unanswered)
        with pytest.raises(LiveStateUnavailable):
            await leases.take(opened())
    assert "session:CP-1" in bench.content()

    await leases.renew(was_flushed=False)
    assert bench.content() == {}

    # It is released once: a later connection with this id stays.
    await leases.take(opened())
    await leases.renew(was_flushed=False)
    assert "session:CP-1" in bench.content()


async def test_a_close_counts_while_redis_is_away_and_is_repeated_afterwards(
    leases: Leases, link: Link, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> Any:
        raise LiveStateUnavailable("away")

    await leases.take(opened())
    with monkeypatch.context() as patch:
        patch.setattr(link, "run", away)
        assert await leases.release("CP-1", "s1") is True
    assert (leases.held, leases.online) == ({}, {})
    assert "session:CP-1" in bench.content()

    await leases.renew(was_flushed=False)

    assert bench.content() == {}


async def test_a_late_close_while_redis_is_away_leaves_the_newer_connection_online(
    leases: Leases, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> Any:
        raise LiveStateUnavailable("away")

    await leases.take(opened("s2"))
    monkeypatch.setattr(link, "run", away)

    assert await leases.release("CP-1", "s1") is True

    assert leases.online == {"cp-1": "CP-1"}
    assert leases.held["cp-1"][0].id == "s2"


async def test_unconfirmed_closes_are_bounded(
    leases: Leases, link: Link, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> Any:
        raise LiveStateUnavailable("away")

    assert module.MAX_UNCONFIRMED == 10_000
    monkeypatch.setattr(module, "MAX_UNCONFIRMED", 2)
    for number in (1, 2, 3):
        await leases.take(opened(f"s{number}", f"CP-{number}"))
    with monkeypatch.context() as patch:
        patch.setattr(link, "run", away)
        for number in (1, 2, 3):
            await leases.release(f"CP-{number}", f"s{number}")

    await leases.renew(was_flushed=False)

    assert [name for name in bench.content() if name.startswith("session")] == ["session:CP-3"]


# -- who is online -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("is_complete", "online"), [(True, {"b", "c"}), (False, {"a", "b", "c"})])
async def test_the_online_stations_are_read_and_a_missing_one_is_offline_when_all_are_there(
    leases: Leases, other: Leases, bench: Bench, is_complete: bool, online: set[str]
) -> None:
    await leases.take(opened("s1", "C"))
    await other.take(opened("s2", "B"))
    bench.client.zrem(bench.keys.clients, "C")
    leases.received("online", "A")

    await leases.read(is_complete=is_complete)

    assert leases.online == {identity: identity.upper() for identity in online}


async def test_a_dead_station_is_not_online(leases: Leases, other: Leases, bench: Bench) -> None:
    await other.take(opened())
    expire(bench)

    await leases.read(is_complete=True)

    assert leases.online == {}


async def test_news_say_who_is_online_and_the_own_connection_outweighs_them(leases: Leases) -> None:
    leases.received("online", "Cp-2")
    assert leases.online == {"cp-2": "Cp-2"}
    leases.received("offline", "CP-2")
    leases.received("offline", "CP-3")
    assert leases.online == {}

    await leases.take(opened())
    leases.received("offline", "CP-1")

    assert leases.online == {"cp-1": "CP-1"}


@pytest.mark.parametrize(
    ("connection_id", "newer_by", "lost"), [("s2", 1, ["s1"]), ("s2", 0, []), ("s2", -1, []), ("s1", 1, [])]
)
async def test_a_newer_connection_of_a_gateway_replaces_the_held_one(
    leases: Leases, notices: Notices, connection_id: str, newer_by: int, lost: list[str]
) -> None:
    await leases.take(opened())
    fence = int(leases.held["cp-1"][1]) + newer_by

    leases.received("online", "CP-1", connection_id, str(fence))
    leases.received("online", "CP-2", connection_id, str(fence))
    await settle()

    assert notices.lost == lost


async def test_news_of_a_connection_of_a_process_end_no_connection(leases: Leases, notices: Notices) -> None:
    await leases.take(opened())

    leases.received("online", "CP-1")
    await settle()

    assert notices.lost == []
