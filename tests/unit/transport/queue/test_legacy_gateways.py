"""The scripts for legacy gateways: announcements, implied sessions, the one list, the active stations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocpp_server.live import LiveStateUnavailable
from tests.redis_scripts import START_MS, QueueBench

LEASE_MS = 90_000
FENCE = str(START_MS * 1000 + 250)
BEFORE, AT, AFTER = "2027-01-15T07:59:59Z", "2027-01-15T08:00:00Z", "2027-01-15T08:00:01Z"


async def announce(
    bench: QueueBench, event: str = "connect", *, at: str = AT, session: str = "s1", gateway: str = "old"
) -> int:
    arguments = ("A", event, gateway, at, "192.0.2.1", session, LEASE_MS, "<connect>", "since")
    return int(await bench.script("legacy_announced", *arguments))


async def imply(bench: QueueBench, *, at: str = AT, session: str = "s1") -> list[Any]:
    return list(await bench.script("legacy_implied", "A", "old", at, session, LEASE_MS, "since"))


def session_of(bench: QueueBench) -> dict[str, str]:
    return dict(bench.client.hgetall(bench.keys.session("A")))


SESSION = {
    "charge_point_id": "A",
    "session_id": "s1",
    "ws_server_id": "old",
    "remote_addr": "192.0.2.1",
    "protocol": "ocpp1.6",
    "dialect": "older",
    "last_activity": str(START_MS // 1000),
    "fence": FENCE,
    "connected_at": "since",
}


# -- announced connections -----------------------------------------------------------------------------


async def test_an_announced_connection_gets_a_session(bench: QueueBench) -> None:
    bench.client.lpush(bench.keys.responses("A"), "<answer>")

    with bench.news() as news:
        assert await announce(bench) == 1

    assert session_of(bench) == SESSION | {"announced_at": AT}
    content = bench.content()
    assert content["clients"] == {"A": START_MS + LEASE_MS}
    assert content["active"] == {"A"}
    assert content["requests:A"] == ["<connect>"]
    assert "responses:A" not in content
    assert news == [["", [["online", "A", "s1", FENCE]]]]


async def test_only_the_first_processor_acts_on_an_announcement(bench: QueueBench) -> None:
    await announce(bench)
    before = bench.content()

    assert await announce(bench, session="s2") == 0
    assert await announce(bench, session="s2", at=BEFORE) == 0

    assert bench.content() == before


async def test_a_later_announcement_replaces_the_session(bench: QueueBench) -> None:
    await announce(bench)
    bench.move_clock(1)

    assert await announce(bench, session="s2", at=AFTER, gateway="other") == 1

    stored = session_of(bench)
    assert (stored["session_id"], stored["ws_server_id"], stored["announced_at"]) == ("s2", "other", AFTER)
    replaced = [stored[f"replaced_{name}"] for name in ("id", "channel", "server")]
    assert replaced == ["s1", "", "old"]
    assert stored["fence"] == str(int(FENCE) + 1000)


async def test_a_later_announcement_of_the_same_gateway_replaces_the_session_too(bench: QueueBench) -> None:
    await announce(bench)

    assert await announce(bench, session="s2", at=AFTER) == 1

    stored = session_of(bench)
    assert (stored["session_id"], stored["replaced_id"]) == ("s2", "s1")


async def test_a_connection_of_a_process_of_the_server_is_replaced_with_its_channel(
    bench: QueueBench,
) -> None:
    bench.client.hset(bench.keys.session("A"), mapping={"session_id": "s0", "channel": "c0"})

    await announce(bench)

    stored = session_of(bench)
    replaced = [stored[f"replaced_{name}"] for name in ("id", "channel", "server")]
    assert replaced == ["s0", "c0", ""]


async def test_a_session_is_newer_even_when_the_clock_was_set_back(bench: QueueBench) -> None:
    bench.connect("A", "s0", fence=str(int(FENCE) + 5))

    await announce(bench)

    assert session_of(bench)["fence"] == str(int(FENCE) + 6)


async def test_the_announcement_of_an_implied_session_completes_it(bench: QueueBench) -> None:
    await imply(bench)

    assert await announce(bench, session="s2") == 0

    assert session_of(bench) == SESSION | {"announced_at": AT}
    assert "requests:A" not in bench.content()


async def test_the_announcement_of_another_gateway_replaces_an_implied_session(bench: QueueBench) -> None:
    await imply(bench)

    assert await announce(bench, session="s2", gateway="other") == 1

    assert session_of(bench)["session_id"] == "s2"


@pytest.mark.parametrize(("ended_at", "acts"), [(BEFORE, 1), (AT, 0), (AFTER, 0)])
async def test_an_announcement_older_than_the_end_of_the_connection_is_ignored(
    bench: QueueBench, ended_at: str, acts: int
) -> None:
    bench.client.hset(bench.keys.ended("A"), "ended_at", ended_at)

    assert await announce(bench) == acts

    assert bench.client.exists(bench.keys.session("A")) == acts
    assert bench.client.exists(bench.keys.ended("A")) == 1 - acts


async def test_an_end_without_a_time_hides_no_announcement(bench: QueueBench) -> None:
    """A gateway that is not a legacy one leaves an ended session without a time."""
    bench.client.hset(bench.keys.ended("A"), "session_id", "s0")

    assert await announce(bench) == 1


# -- announced ends ------------------------------------------------------------------------------------


async def test_an_announced_end_removes_the_session(bench: QueueBench) -> None:
    await announce(bench)
    bench.client.delete(bench.keys.requests("A"))
    before = session_of(bench)

    with bench.news() as news:
        assert await announce(bench, "disconnect", at=AFTER) == 1

    content = bench.content()
    assert {"session:A", "clients", "active"}.isdisjoint(content)
    assert content["server:ended:A"] == before | {"ended_at": AFTER}
    assert bench.expires("server:ended:A", 3_600_000)
    assert [json.loads(text) for text in content["requests:A"]] == [
        {
            "charge_point_id": "A",
            "message_type": 0,
            "event": "disconnect",
            "reason": "announced",
            "timestamp": AFTER,
            "ws_server_id": "old",
            "v": 1,
            "session_id": "s1",
        }
    ]
    assert news == [["", [["offline", "A"]]]]


async def test_an_end_at_the_time_of_the_connection_ends_it(bench: QueueBench) -> None:
    await announce(bench)

    assert await announce(bench, "disconnect", at=AT) == 1


async def test_an_implied_session_ends_too(bench: QueueBench) -> None:
    await imply(bench)

    assert await announce(bench, "disconnect", at=BEFORE) == 1


async def test_an_end_of_another_connection_changes_nothing(bench: QueueBench) -> None:
    await announce(bench)
    before = bench.content()

    assert await announce(bench, "disconnect", at=BEFORE) == 0
    assert await announce(bench, "disconnect", at=AFTER, gateway="other") == 0

    assert bench.content() == before


async def test_an_end_does_not_remove_the_session_of_a_gateway_that_is_no_legacy_one(
    bench: QueueBench,
) -> None:
    bench.connect("A", ws_server_id="old")
    before = bench.content()

    assert await announce(bench, "disconnect") == 0

    assert bench.content() == before


# -- frames --------------------------------------------------------------------------------------------


async def test_a_frame_of_an_unannounced_connection_creates_its_session(bench: QueueBench) -> None:
    with bench.news() as news:
        assert await imply(bench) == [b"s1", 1, b""]

    assert session_of(bench) == SESSION | {"remote_addr": "", "is_implied": "1"}
    assert bench.content()["clients"] == {"A": START_MS + LEASE_MS}
    assert news == [["", [["online", "A", "s1", FENCE]]]]


async def test_a_frame_renews_the_lease_of_its_session(bench: QueueBench) -> None:
    await announce(bench)
    bench.move_clock(5000)

    assert await imply(bench, session="s2") == [b"s1", 0, b"192.0.2.1"]

    assert bench.content()["clients"] == {"A": START_MS + 5000 + LEASE_MS}
    assert session_of(bench) == SESSION | {
        "announced_at": AT,
        "last_activity": str(START_MS // 1000 + 5),
    }


async def test_a_frame_older_than_a_connection_elsewhere_creates_no_session(bench: QueueBench) -> None:
    bench.connect("A", "s0")
    before = bench.content()

    assert await imply(bench) == [b"", 0, b""]

    assert bench.content() == before


@pytest.mark.parametrize("ended_at", [AT, AFTER])
async def test_a_frame_older_than_the_end_belongs_to_the_ended_session(
    bench: QueueBench, ended_at: str
) -> None:
    bench.client.hset(bench.keys.ended("A"), mapping={"session_id": "s0", "ended_at": ended_at})
    before = bench.content()

    assert await imply(bench) == [b"s0", 0, b""]

    assert bench.content() == before


@pytest.mark.parametrize("ended", [{"session_id": "s0", "ended_at": BEFORE}, {"session_id": "s0"}])
async def test_a_frame_after_the_end_creates_a_session(bench: QueueBench, ended: dict[str, str]) -> None:
    bench.client.hset(bench.keys.ended("A"), mapping=ended)

    assert await imply(bench) == [b"s1", 1, b""]

    assert bench.client.exists(bench.keys.ended("A")) == 0


async def test_the_version_of_the_current_session_is_stored(bench: QueueBench) -> None:
    await announce(bench)

    await bench.script("legacy_version", "A", "s0", "ocpp2.1")
    assert session_of(bench)["protocol"] == "ocpp1.6"
    assert await bench.script("legacy_version", "A", "s1", "ocpp2.0.1") == 1

    assert session_of(bench)["protocol"] == "ocpp2.0.1"


# -- the one list --------------------------------------------------------------------------------------


async def test_the_one_list_is_moved_into_the_lists_of_the_stations_in_order(bench: QueueBench) -> None:
    sent = [json.dumps({"charge_point_id": name, "n": n}) for n, name in enumerate("ABA")]
    bench.client.lpush(bench.keys.shared_requests, *sent)

    assert await bench.script("legacy_drain", 10) == 3

    assert bench.lists("requests:A", "requests:B", "requests", "server:bell") == {
        "requests:A": [sent[0], sent[2]],
        "requests:B": [sent[1]],
        "server:bell": ["1", "1"],
    }
    assert bench.content()["server:ready"] == {"A": START_MS, "B": START_MS}


async def test_one_step_moves_a_limited_number_of_envelopes(bench: QueueBench) -> None:
    sent = [json.dumps({"charge_point_id": "A", "n": n}) for n in range(3)]
    bench.client.lpush(bench.keys.shared_requests, *sent)

    assert await bench.script("legacy_drain", 2) == 2

    assert bench.lists("requests:A", "requests") == {"requests:A": sent[:2], "requests": sent[2:]}


@pytest.mark.parametrize(
    "text", ["{", "[]", '"A"', "1", "null", "{}", '{"charge_point_id":1}', '{"charge_point_id":""}']
)
async def test_an_envelope_without_a_station_becomes_a_dead_letter(bench: QueueBench, text: str) -> None:
    good = json.dumps({"charge_point_id": "A"})
    bench.client.lpush(bench.keys.shared_requests, text, good)

    assert await bench.script("legacy_drain", 10) == 2

    letters = [json.loads(letter) for letter in bench.client.lrange(bench.keys.dead, 0, -1)]
    assert letters == [{"reason": "no charge_point_id", "envelope": text}]
    assert bench.lists("requests:A", "requests") == {"requests:A": [good]}


async def test_at_most_1000_dead_letters_are_kept(bench: QueueBench) -> None:
    bench.client.lpush(bench.keys.dead, *("old" for _ in range(1000)))
    bench.client.lpush(bench.keys.shared_requests, "{")

    await bench.script("legacy_drain", 10)

    letters = bench.client.lrange(bench.keys.dead, 0, -1)
    assert (len(letters), letters[1]) == (1000, "old")


@pytest.mark.parametrize("text", ['{"charge_point_id":"A"}', "{"])
async def test_a_full_redis_keeps_the_envelopes_in_the_one_list(bench: QueueBench, text: str) -> None:
    bench.client.lpush(bench.keys.shared_requests, text)
    before = bench.content()

    with bench.full(), pytest.raises(LiveStateUnavailable, match="OOM"):
        await bench.script("legacy_drain", 10)

    assert bench.content() == before


# -- active stations -----------------------------------------------------------------------------------


async def test_stations_without_a_session_of_a_legacy_gateway_are_no_longer_active(bench: QueueBench) -> None:
    await announce(bench)
    bench.connect("B")
    bench.client.sadd(bench.keys.active, "B", "C")

    assert await bench.script("legacy_tidy") == 1

    assert bench.client.smembers(bench.keys.active) == {"A"}
