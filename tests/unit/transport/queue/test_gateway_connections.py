"""The connections of gateways in Redis: registered, renewed, closed and swept."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.gateway_side import (
    MAX_QUEUE,
    GatewayQueue,
    QueueTooLong,
    Registration,
    lease_ms,
)
from tests.redis_scripts import START_MS, QueueBench

MICROSECONDS = START_MS * 1000 + 250
FIELDS = {"protocol": "ocpp1.6", "remote_addr": "192.0.2.1"}


async def connect(
    bench: QueueBench, session: str = "s1", fence: str = "", gateway: str = "gw"
) -> Registration:
    queue = GatewayQueue(gateway)
    return await queue.connect(bench.wire, "A", session, dict(FIELDS), fence=fence)


def session_of(bench: QueueBench) -> dict[str, str]:
    return dict(bench.client.hgetall(bench.keys.session("A")))


def controls(bench: QueueBench) -> list[tuple[str, str]]:
    texts = bench.lists("requests:A").get("requests:A", [])
    found = [envelope.parse(text) for text in texts]
    return [(control.event, control.session_id) for control in found]


# -- connect -------------------------------------------------------------------------------------------


async def test_a_new_connection_is_registered_and_published(bench: QueueBench) -> None:
    bench.client.lpush(bench.keys.responses("A"), "<answer to an earlier connection>")

    with bench.news() as news:
        registration = await connect(bench)

    assert registration == Registration(str(MICROSECONDS), {})
    stored = session_of(bench)
    stored.pop("last_activity")
    assert stored == FIELDS | {
        "charge_point_id": "A",
        "session_id": "s1",
        "ws_server_id": "gw",
        "fence": str(MICROSECONDS),
        "seq": "0",
    }
    assert controls(bench) == [("connect", "s1")]
    assert bench.client.zscore(bench.keys.clients, "A") == START_MS + lease_ms()
    assert bench.client.zscore(bench.keys.ready, "A") == START_MS
    assert bench.lists("server:bell", "responses:A") == {"server:bell": ["1"]}
    assert news == [["", [["online", "A", "s1", str(MICROSECONDS)]]]]


async def test_a_newer_connection_replaces_the_one_at_another_gateway(bench: QueueBench) -> None:
    await connect(bench, "s1", gateway="gw1")
    before = session_of(bench)
    bench.move_clock(1)

    registration = await connect(bench, "s2", gateway="gw2")

    assert registration == Registration(str(MICROSECONDS + 1000), before)
    stored = session_of(bench)
    assert (stored["replaced_id"], stored["replaced_channel"]) == ("s1", "")
    assert bench.lists("gateway:gw1", "gateway:gw2") == {"gateway:gw1": ["A"]}
    assert bench.expires("gateway:gw1", 120_000)
    assert controls(bench) == [("connect", "s1"), ("connect", "s2")]


async def test_a_newer_connection_replaces_the_one_at_a_process_of_the_server(bench: QueueBench) -> None:
    bench.connect("A", "s0", channel="c0")

    await connect(bench)

    stored = session_of(bench)
    assert (stored["replaced_id"], stored["replaced_channel"]) == ("s0", "c0")
    assert "channel" not in stored
    assert bench.lists("gateway:gw") == {}


async def test_a_session_without_a_gateway_is_replaced_without_a_wakeup(bench: QueueBench) -> None:
    bench.client.hset(bench.keys.session("A"), "session_id", "s0")

    await connect(bench)

    assert session_of(bench)["replaced_id"] == "s0"
    assert bench.lists("gateway:gw", "gateway:") == {}


async def test_a_repeated_registration_does_not_replace_itself(bench: QueueBench) -> None:
    await connect(bench)

    await connect(bench)

    assert "replaced_id" not in session_of(bench)
    assert bench.lists("gateway:gw") == {}


async def test_a_newer_connection_is_newer_even_when_the_clock_was_set_back(bench: QueueBench) -> None:
    bench.connect("A", "s0", fence=str(MICROSECONDS + 5))

    assert (await connect(bench)).fence == str(MICROSECONDS + 6)


async def test_a_station_that_is_due_keeps_its_place(bench: QueueBench) -> None:
    bench.push("A", "1", waits_ms=50)

    await connect(bench)

    assert bench.client.zscore(bench.keys.ready, "A") == START_MS - 50
    assert bench.lists("server:bell") == {}


async def test_a_registration_keeps_at_most_64_wakeups(bench: QueueBench) -> None:
    bench.client.lpush(bench.keys.wakeups, *("1" * 64))

    await connect(bench)

    assert bench.client.llen(bench.keys.wakeups) == 64


async def test_a_station_with_too_many_unread_messages_is_refused(bench: QueueBench) -> None:
    bench.push("A", *("1" for _ in range(MAX_QUEUE)))
    await connect(bench)
    before = bench.content()

    with pytest.raises(QueueTooLong):
        await connect(bench, "s2")

    assert bench.content() == before


async def test_a_lost_session_is_restored_and_its_answers_and_numbers_are_kept(bench: QueueBench) -> None:
    ended = {"session_id": "s1", "seq": "7", "fence": "5"}
    bench.client.hset(bench.keys.ended("A"), mapping=ended)
    bench.client.lpush(bench.keys.responses("A"), "<answer>")
    bench.push("A", *("1" for _ in range(MAX_QUEUE + 1)))

    assert await connect(bench, fence="5") == Registration("5", {})

    stored = session_of(bench)
    assert (stored["session_id"], stored["fence"], stored["seq"]) == ("s1", "5", "7")
    assert bench.lists("responses:A") == {"responses:A": ["<answer>"]}
    assert bench.client.exists(bench.keys.ended("A")) == 0


@pytest.mark.parametrize("ended", [{"session_id": "s0", "seq": "7"}, {"session_id": "s1"}])
async def test_the_numbers_of_another_session_are_not_continued(
    bench: QueueBench, ended: dict[str, str]
) -> None:
    bench.client.hset(bench.keys.ended("A"), mapping=ended)

    await connect(bench, fence="5")

    assert session_of(bench)["seq"] == "0"


async def test_a_new_connection_starts_its_numbers_at_0(bench: QueueBench) -> None:
    bench.client.hset(bench.keys.ended("A"), mapping={"session_id": "s1", "seq": "7"})

    await connect(bench)

    assert session_of(bench)["seq"] == "0"
    assert bench.client.exists(bench.keys.ended("A")) == 0


async def test_a_session_is_not_restored_over_a_newer_one(bench: QueueBench) -> None:
    bench.connect("A", "s2", fence="6")
    before = bench.content()

    registration = await connect(bench, fence="5")

    assert registration == Registration("0", before["session:A"])
    assert bench.content() == before


async def test_a_session_is_restored_over_an_older_one(bench: QueueBench) -> None:
    bench.connect("A", "s0", fence="4")

    assert (await connect(bench, fence="5")).fence == "5"
    assert (await connect(bench, "s2", fence="5")).fence == "5"

    assert session_of(bench)["session_id"] == "s2"


async def test_a_repeated_restoration_changes_nothing(bench: QueueBench) -> None:
    bench.connect("A", "s1", fence="4")
    before = bench.content()

    assert await connect(bench, fence="5") == Registration("4", before["session:A"])

    assert bench.content() == before


async def test_a_full_redis_refuses_a_connection_and_nothing_is_changed(bench: QueueBench) -> None:
    bench.connect("A", "s0")
    before = bench.content()

    with bench.full(), pytest.raises(ResponseError, match="OOM"):
        await connect(bench)

    assert bench.content() == before


# -- refresh -------------------------------------------------------------------------------------------


async def test_a_refresh_renews_the_leases_and_reports_each_station(bench: QueueBench) -> None:
    for identity in ("A", "B", "C"):
        bench.connect(identity, f"s{identity}")
    bench.client.lpush(bench.keys.responses("B"), "<answer>")
    bench.move_clock(1_000)
    stations = [("A", "sA"), ("B", "sB"), ("C", "old"), ("D", "sD")]

    assert await GatewayQueue("gw").refresh(bench.wire, stations) == "karm"

    until = bench.now_ms + lease_ms()
    clients = {"A": until, "B": until, "C": START_MS + 60_000}
    content = bench.content()
    assert (content["clients"], content["gateways"]) == (clients, {"gw": until})
    activity = [content[f"session:{identity}"].get("last_activity") for identity in "ABC"]
    assert activity == [str(bench.now_ms // 1000), str(bench.now_ms // 1000), None]
    assert "session:D" not in content
