"""The switchboard while the channel layer hangs, fails or loses a message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import get_channel_layer

from ocpp_server import live
from ocpp_server.transport import messages
from ocpp_server.transport.messages import (
    CommandFinished,
)
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.switchboard.doubles import (
    Both,
    Noted,
    broken,
    hanging,
    settle,
)


async def test_an_echo_comes_back_through_the_channel_layer(processes: Both) -> None:
    caller, _ = processes

    await asyncio.wait_for(caller.echo(), 5)

    assert not caller._waiters


async def test_an_echo_that_does_not_come_back_is_waited_for(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: Any) -> None: ...

    monkeypatch.setattr(get_channel_layer(), "send", lose)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(processes[0].echo(), 60)


async def test_an_echo_fails_with_the_channel_layer(processes: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, _ = processes
    monkeypatch.setattr(get_channel_layer(), "send", broken)

    with pytest.raises(live.LiveStateUnavailable):
        await caller.echo()
    assert not caller._waiters


async def test_a_channel_layer_that_hangs_is_away_after_three_seconds(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, holder = processes
    loop = asyncio.get_running_loop()
    for name in ("send", "group_send", "group_add"):
        monkeypatch.setattr(get_channel_layer(), name, hanging)

    began = loop.time()
    with pytest.raises(live.LiveStateUnavailable):
        await caller.send(holder.channel, CommandFinished(id="c1"))
    assert 3 <= loop.time() - began < 3.5

    began = loop.time()
    await caller.announce_events()
    assert 3 <= loop.time() - began < 3.5

    began = loop.time()
    with pytest.raises(live.LiveStateUnavailable):
        await caller.subscribe_to_events(lambda: None)
    assert 3 <= loop.time() - began < 3.5


async def test_committed_events_are_announced_to_the_process_that_numbers_them(processes: Both) -> None:
    caller, holder = processes
    numbered: list[str] = []
    await holder.subscribe_to_events(lambda: numbered.append("first"))
    await holder.subscribe_to_events(lambda: numbered.append("second"))
    # A contract between releases.
    assert list(get_channel_layer().groups) == ["events"]

    await caller.announce_events()
    await settle()
    assert numbered == ["first"]

    # The message is no notice for a connection, in a process that numbers nothing either.
    caller._receive(messages.EventsWritten())
    await settle()
    assert not caller._tasks


async def test_numbered_events_are_announced_to_the_processes_with_streams(processes: Both) -> None:
    caller, holder = processes
    read: list[str] = []
    await holder.subscribe_to_events(lambda: read.append("numbered"), messages.EventsNumbered)
    assert list(get_channel_layer().groups) == ["events.readers"]

    await caller.announce_events()
    await caller.announce_events(messages.EventsNumbered)
    await settle()

    assert read == ["numbered"]


async def test_a_process_without_a_channel_does_not_subscribe_to_events() -> None:
    numbered: list[str] = []
    process = Switchboard()

    await process.subscribe_to_events(lambda: numbered.append("x"))
    process._receive(messages.EventsWritten())

    assert not numbered and process.channel == ""


async def test_events_are_announced_without_a_working_channel_layer(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_channel_layer(), "group_send", broken)

    await processes[0].announce_events()


async def test_a_process_keeps_receiving_after_messages_that_it_can_not_read(processes: Both) -> None:
    caller, _ = processes
    over = caller.expect("c1")
    began = asyncio.get_running_loop().time()

    await get_channel_layer().send(caller.channel, {"type": "of.a.later.release"})
    await caller._send(caller.channel, CommandFinished(id="c1"))
    await asyncio.wait_for(over.wait(), 5)

    # It does not pause: this message is not a sign of a channel layer that fails.
    assert asyncio.get_running_loop().time() - began < 0.9


async def test_a_process_pauses_a_second_when_the_channel_layer_fails(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, _ = processes
    layer, loop = get_channel_layer(), asyncio.get_running_loop()
    real, failed = layer.receive, []

    async def receive(channel: str) -> Any:
        if len(failed) < 2:
            failed.append(loop.time())
            raise OSError("refused")
        return await real(channel)

    await caller.stop()
    monkeypatch.setattr(layer, "receive", receive)
    await caller.start()
    began, over = loop.time(), caller.expect("c1")
    await caller._send(caller.channel, CommandFinished(id="c1"))
    await asyncio.wait_for(over.wait(), 30)

    assert 2 <= loop.time() - began < 2.9


async def test_a_process_has_a_channel_of_its_own_and_keeps_it_until_it_stops(processes: Both) -> None:
    caller, holder = processes
    channel = caller.channel
    assert channel.startswith("process.") and channel != holder.channel

    await caller.start()
    assert caller.channel == channel

    await caller.stop()
    assert len([task for task in asyncio.all_tasks() if "_drain" in repr(task.get_coro())]) == 1
    await caller.stop()
    await caller.start()
    assert caller.channel != channel


async def test_a_process_that_can_not_subscribe_does_not_start_and_may_try_again(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Switchboard()
    with monkeypatch.context() as away, pytest.raises(live.LiveStateUnavailable):
        away.setattr(get_channel_layer(), "new_channel", broken)
        await process.start()
    assert process.channel == ""

    await process.start()
    over = process.expect("c1")
    await processes[0].send(process.channel, CommandFinished(id="c1"))
    await asyncio.wait_for(over.wait(), 5)
    await process.stop()


async def test_a_stopped_process_numbers_no_events(processes: Both) -> None:
    caller, _ = processes
    numbered: list[str] = []
    await caller.subscribe_to_events(lambda: numbered.append("x"))

    await caller.stop()
    caller._receive(messages.EventsWritten())

    assert not numbered


def test_the_stations_of_a_process_are_those_at_sockets_and_those_at_gateways() -> None:
    process = Switchboard()
    process.connections["k1"] = one = Noted()  # type: ignore[assignment]
    process.at_gateways["k2"] = other = Noted()  # type: ignore[assignment]

    assert process.served() == [one, other]
