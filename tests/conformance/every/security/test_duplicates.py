"""F03, F04: two devices with one identity. Two replacements a minute are instant; the third one waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.conformance.peer import V16, Peer, eventually, known, station


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def enter(stack: AsyncExitStack, server: Any, identity: str, **how: Any) -> Peer:
    return await stack.enter_async_context(station(server, V16, identity, boot=False, **how))


def waits(server: Any, identity: str) -> bool:
    return any("station.waits" in line and identity in line for line in server.log.read_text().splitlines())


async def after_two_replacements(stack: AsyncExitStack, server: Any, identity: str) -> Peer:
    """The connection that has replaced two others, each at once."""
    first = await enter(stack, server, identity)
    second = await enter(stack, server, identity)
    third = await enter(stack, server, identity)
    assert [await first.closed(), await second.closed()] == [1001, 1001]
    return third


async def test_F04_the_third_replacement_waits_until_the_older_connection_ends(
    server, records, operator, stack
):
    identity = await known(server)
    older = await after_two_replacements(stack, server, identity)

    newer = asyncio.create_task(enter(stack, server, identity))
    events = await eventually(lambda: records.security_events(identity))
    # The older one is pinged meanwhile, and works on.
    await older.boot()
    shown = (await operator.request("GET", f"/api/v1/chargepoints/{identity}"))[1]["data"]
    assert not newer.done()
    await older.socket.close()
    await (await newer).heartbeat()

    assert [row["type"] for row in events] == ["DuplicateIdentity"]
    assert "127.0.0.1" in events[0]["tech_info"]
    assert shown["duplicateIdentity"]["addresses"] == ["127.0.0.1", "127.0.0.1"]
    # One event for the whole storm, and no more instant replacements within the minute.
    again = asyncio.create_task(enter(stack, server, identity))
    await eventually(lambda: records.charge_point(identity)["duplicate_at"] > events[0]["at"])
    assert not again.done()
    assert len(records.security_events(identity)) == 1
    again.cancel()


async def test_F03_a_station_whose_older_socket_is_dead_is_not_locked_out(server, records, stack):
    identity = await known(server)
    older = await after_two_replacements(stack, server, identity)
    older.socket.transport.pause_reading()  # answers no ping, as after a loss of the network

    newer = await asyncio.wait_for(enter(stack, server, identity), 30)

    await newer.boot()
    older.abort()
    assert records.security_events(identity) == []


async def test_F04_of_several_waiting_connections_the_newest_stays(server, stack):
    identity = await known(server)
    older = await after_two_replacements(stack, server, identity)
    first = asyncio.create_task(enter(stack, server, identity))
    await eventually(lambda: waits(server, identity))

    second = asyncio.create_task(enter(stack, server, identity))
    with pytest.raises(InvalidStatus) as refused:
        await first
    await older.socket.close()
    await (await second).heartbeat()

    assert refused.value.response.status_code == 503
    assert refused.value.response.headers["Retry-After"] == "10"


async def test_F04_a_device_that_gives_up_waiting_leaves_nothing(server, records, stack):
    identity = await known(server)
    older = await after_two_replacements(stack, server, identity)

    with pytest.raises(TimeoutError):
        await enter(stack, server, identity, open_timeout=1)

    await older.heartbeat()
    assert records.charge_point(identity)["is_online"] == 1
