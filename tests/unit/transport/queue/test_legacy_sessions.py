"""A processor that serves legacy gateways: sessions, versions, announcements and the one list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpp_server.live.redis.wire import Wire
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.legacy_gateway import LegacyGateways, version_of
from tests.logged import captured_logs
from tests.redis_scripts import START_MS, QueueBench
from tests.unit.transport.queue_rules.redis_double import a_claim

AT, AFTER = "2027-01-15T08:00:00Z", "2027-01-15T08:00:01Z"
BOOT_16 = '[2,"m1","BootNotification",{"chargePointVendor":"V"}]'
BOOT_2X = '[2,"m1","BootNotification",{"chargingStation":{}}]'


@pytest.fixture
def legacy(bench: QueueBench, settings: Any) -> LegacyGateways:
    settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL = 100, 30
    settings.REDIS_URL = f"redis://{settings.REDIS_HOST}:{settings.REDIS_PORT}"
    return LegacyGateways(bench.redis)


def message(frame: str = '[2,"m1","Heartbeat",{}]', protocol: str = "") -> Envelope:
    packed = envelope.pack_frame(frame, "A", ws_server_id="old", protocol=protocol)
    read = envelope.parse(packed)
    read.timestamp = AT
    return read


def session_of(bench: QueueBench) -> dict[str, str]:
    return dict(bench.client.hgetall(bench.keys.session("A")))


def lease_ms(bench: QueueBench) -> float:
    return float(bench.client.zscore(bench.keys.clients, "A")) - bench.now_ms


@asynccontextmanager
async def running(legacy: LegacyGateways) -> AsyncIterator[None]:
    task = asyncio.create_task(legacy.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        legacy._wire.close()


class Gateway:
    """Stands for a legacy gateway and an idle processor, with a connection of its own."""

    def __init__(self, bench: QueueBench) -> None:
        self._keys = bench.keys
        self.wire = Wire()

    async def announce(self, channel: str, text: str | bytes) -> None:
        """Publish an announcement; again, until a processor has subscribed."""
        async with asyncio.timeout(10):
            while not await self.wire.call("PUBLISH", channel, text):
                pass

    async def wakeup(self) -> None:
        """Wait until a station is due, and serve it."""
        async with asyncio.timeout(10):
            assert await self.wire.call("BLPOP", self._keys.wakeups, "30", block_s=30) is not None
            await self.wire.call("DEL", self._keys.ready)


@pytest.fixture
async def gateway(bench: QueueBench) -> AsyncIterator[Gateway]:
    gateway = Gateway(bench)
    yield gateway
    gateway.wire.close()


def announcement(at: str = AT, **more: str) -> str:
    return json.dumps({"charge_point_id": "A", "ws_server_id": "old", "timestamp": at, **more})


# -- sessions ------------------------------------------------------------------------------------------


async def test_the_first_frame_of_a_station_begins_a_session_that_later_ones_renew(
    bench: QueueBench, legacy: LegacyGateways
) -> None:
    session_id, is_new, address = await legacy.session(a_claim("A"), message())

    stored = session_of(bench)
    assert (is_new, address, stored["session_id"], stored["ws_server_id"]) == (True, "", session_id, "old")
    assert stored["connected_at"].endswith("+00:00")

    bench.client.hset(bench.keys.session("A"), "remote_addr", "192.0.2.1")
    assert await legacy.session(a_claim("A"), message()) == (session_id, False, "192.0.2.1")


async def test_two_sessions_have_different_ids(bench: QueueBench, legacy: LegacyGateways) -> None:
    first, _, _ = await legacy.session(a_claim("A"), message())
    second, _, _ = await legacy.session(a_claim("B"), message())

    assert first != second


async def test_a_session_ends_when_its_station_has_sent_nothing_for_three_heartbeats(
    bench: QueueBench, legacy: LegacyGateways
) -> None:
    await legacy.session(a_claim("A"), message())

    assert lease_ms(bench) == 300_000


async def test_a_frame_from_before_the_end_of_its_session_belongs_to_that_session(
    bench: QueueBench, legacy: LegacyGateways
) -> None:
    bench.client.hset(bench.keys.ended("A"), mapping={"session_id": "s0", "ended_at": AT})

    assert await legacy.session(a_claim("A"), message()) == ("s0", False, "")


async def test_an_address_of_a_legacy_gateway_may_be_anything(
    bench: QueueBench, legacy: LegacyGateways
) -> None:
    await legacy.session(a_claim("A"), message())
    bench.client.hset(bench.keys.session("A"), "remote_addr", b"\xff")

    _, _, address = await legacy.session(a_claim("A"), message())

    assert address == "\ufffd"


async def test_the_version_is_stored_for_the_processes_that_send_commands(
    bench: QueueBench, legacy: LegacyGateways
) -> None:
    session_id, _, _ = await legacy.session(a_claim("A"), message())

    await legacy.store_version(a_claim("A"), session_id, V201)

    assert session_of(bench)["protocol"] == V201


# -- the list and the announcements --------------------------------------------------------------------


async def test_frames_in_the_one_list_reach_the_lists_of_their_stations(
    bench: QueueBench, legacy: LegacyGateways, gateway: Gateway
) -> None:
    texts = [json.dumps({"charge_point_id": "A", "n": n}) for n in range(3)]

    async with running(legacy):
        for text in texts:
            bench.client.lpush(bench.keys.shared_requests, text)
            await gateway.wakeup()

    assert bench.lists("requests:A", "requests") == {"requests:A": texts}


async def test_an_announced_connection_begins_a_session_and_an_announced_end_ends_it(
    bench: QueueBench, legacy: LegacyGateways, gateway: Gateway
) -> None:
    keys = bench.keys
    async with running(legacy):
        await gateway.announce(keys.announced_connect, announcement(remote_addr="192.0.2.1"))
        await gateway.wakeup()
        stored = session_of(bench)
        (text,) = bench.lists("requests:A")["requests:A"]
        assert lease_ms(bench) == 300_000

        await gateway.announce(keys.announced_disconnect, announcement(AFTER))
        await gateway.wakeup()

    assert (stored["ws_server_id"], stored["remote_addr"], stored["announced_at"]) == ("old", "192.0.2.1", AT)
    assert stored["connected_at"].endswith("+00:00") and stored["fence"] == str(START_MS * 1000 + 250)
    control = envelope.parse(text)
    assert (control.event, control.charge_point_id, control.ws_server_id) == ("connect", "A", "old")
    assert control.session_id == stored["session_id"]
    assert session_of(bench) == {}


async def test_an_announcement_without_more_than_a_name_counts(
    bench: QueueBench, legacy: LegacyGateways, gateway: Gateway
) -> None:
    async with running(legacy):
        await gateway.announce(bench.keys.announced_connect, '{"charge_point_id":"A"}')
        await gateway.wakeup()

    stored = session_of(bench)
    assert (stored["ws_server_id"], stored["remote_addr"], stored["announced_at"]) == ("", "", "")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"charge_point_id":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"more":' + b"[" * 100_000, id="too deep"),
    ],
)
async def test_an_unreadable_announcement_does_not_hide_the_next_one(
    bench: QueueBench, legacy: LegacyGateways, gateway: Gateway, text: bytes
) -> None:
    with captured_logs() as lines:
        async with running(legacy):
            await gateway.announce(bench.keys.announced_connect, text)
            await gateway.announce(bench.keys.announced_connect, announcement())
            await gateway.wakeup()

    assert session_of(bench)["announced_at"] == AT
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["older_gateway.unreadable"]


# -- versions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "protocol", "known", "version"),
    [
        ('[2,"m1","Heartbeat",{}]', V201, V16, V201),
        ('[2,"m1","Heartbeat",{}]', "", V201, V201),
        ('[2,"m1","Heartbeat",{}]', "", "", V16),
        ('[2,"m1","Heartbeat",{}]', "", "ocpp9", V16),
        ('[2,"m1","Heartbeat",{}]', "ocpp9", V201, V201),
        (BOOT_16, "", V201, V16),
        (BOOT_16, V201, V201, V201),
        (BOOT_2X, "", "", V201),
        (BOOT_2X, "", V21, V21),
        (BOOT_2X, "ocpp9", V16, V201),
    ],
)
def test_the_version_is_that_of_the_gateway_else_that_of_the_boot_else_the_known_one(
    frame: str, protocol: str, known: str, version: str
) -> None:
    assert version_of(message(frame, protocol), known) == version


@pytest.mark.parametrize(("before", "is_seen"), [(82, True), (83, False)])
def test_a_boot_is_seen_only_in_the_first_100_characters(before: int, is_seen: bool) -> None:
    frame = '[2,"m1",'.ljust(before) + '"BootNotification",{"chargingStation":{}}]'

    assert version_of(message(frame), V16) == (V201 if is_seen else V16)
