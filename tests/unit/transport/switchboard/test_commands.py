"""Commands reach the connection they are for, once, and their callers learn of the end."""

from __future__ import annotations

import asyncio

import pytest
from channels.layers import get_channel_layer

from ocpp_server.domain import QueueFull, StationOffline
from ocpp_server.protocol.dispatch import StorageUnavailable
from tests.unit.transport.switchboard.doubles import (
    Both,
    Noted,
    Shared,
    _registered,
    _request,
    a_call,
    at_gateway,
    broken,
    raising,
    registered,
    settle,
)


async def test_a_command_reaches_the_connection_in_the_other_process_and_is_confirmed(
    processes: Both,
) -> None:
    caller, holder = processes
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]
    other = holder.connections["k2"] = Noted()  # type: ignore[assignment]

    await caller.send_command(registered(holder), a_call(reply_to=caller.channel, payload={"type": "Soft"}))

    assert [(call.id, call.connection_id, call.payload) for call in near.calls] == [
        ("c1", "k1", {"type": "Soft"})
    ]
    assert not other.calls
    assert not caller._unconfirmed


async def test_a_command_to_a_connection_of_this_process_does_not_use_the_channel_layer(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, _ = processes
    near = caller.connections["k1"] = Noted()  # type: ignore[assignment]
    monkeypatch.setattr(get_channel_layer(), "send", None)

    await caller.send_command(registered(caller), a_call(reply_to=caller.channel))
    await settle()

    assert [call.connection_id for call in near.calls] == ["k1"]


async def test_a_command_runs_in_the_context_of_no_request(processes: Both) -> None:
    caller, _ = processes
    near = caller.connections["k1"] = Noted()  # type: ignore[assignment]
    token = _request.set("of the request")

    await caller.send_command(registered(caller), a_call(reply_to=caller.channel))
    await settle()

    _request.reset(token)
    assert near.seen_in == ["none"]


async def test_a_command_that_no_process_confirms_is_sent_three_times_a_second_apart(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes
    gone = _registered("process.dead", "k1")
    await state.connect(gone)
    began = asyncio.get_running_loop().time()

    with pytest.raises(StationOffline, match="CP-1"):
        await caller.send_command(gone, a_call(reply_to=caller.channel))

    sent = get_channel_layer().channels["process.dead"]
    assert sent.qsize() == 3
    assert 3 <= asyncio.get_running_loop().time() - began < 4
    assert not caller._unconfirmed


async def test_an_unconfirmed_command_follows_its_station_to_the_next_process(
    processes: Both, state: Shared
) -> None:
    caller, holder = processes
    near = holder.connections["k2"] = Noted()  # type: ignore[assignment]
    await state.connect(registered(holder, "k2"))

    await caller.send_command(_registered("process.dead", "k1"), a_call(reply_to=caller.channel))

    assert [call.connection_id for call in near.calls] == ["k2"]


async def test_an_unconfirmed_command_follows_its_station_to_the_process_that_sends_it(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes
    near = caller.connections["k2"] = Noted()  # type: ignore[assignment]
    await state.connect(registered(caller, "k2"))
    began = asyncio.get_running_loop().time()

    await caller.send_command(_registered("process.dead", "k1"), a_call(reply_to=caller.channel))
    await settle()

    assert [call.connection_id for call in near.calls] == ["k2"]
    assert asyncio.get_running_loop().time() - began < 2
    assert not caller._unconfirmed


async def test_an_unconfirmed_command_follows_its_station_to_a_gateway(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes
    await state.connect(at_gateway("k2"))
    state.answers = [("queued", "")]

    await caller.send_command(_registered("process.dead", "k1"), a_call(reply_to=caller.channel))

    assert [run[1:4] for run in state.ran] == [("CP-1", "k2", "c1")]
    assert not caller._unconfirmed


async def test_a_command_to_a_station_that_has_left_is_not_sent_again(processes: Both, state: Shared) -> None:
    caller, _ = processes
    began = asyncio.get_running_loop().time()

    with pytest.raises(StationOffline):
        await caller.send_command(_registered("process.dead", "k1"), a_call(reply_to=caller.channel))

    assert get_channel_layer().channels["process.dead"].qsize() == 1
    assert 1 <= asyncio.get_running_loop().time() - began < 2


async def test_a_repeated_command_is_confirmed_again_and_handled_once(processes: Both) -> None:
    caller, holder = processes
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]
    other = holder.connections["k2"] = Noted()  # type: ignore[assignment]

    for id in ("k1", "k1", "k2"):
        taken = caller._unconfirmed["c1"] = asyncio.Event()
        await caller.send(holder.channel, a_call(reply_to=caller.channel, connection_id=id))
        await asyncio.wait_for(taken.wait(), 5)
    await settle()

    assert (len(near.calls), len(other.calls)) == (1, 1)


async def test_the_last_ten_thousand_commands_are_remembered(processes: Both) -> None:
    _, holder = processes
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]
    gone = a_call("first", connection_id="k1", reply_to="process.dead")
    layer = get_channel_layer()
    layer.capacity = 20_000

    async def arrive(*ids: str) -> int:
        before = len(near.calls)
        for id in ids:
            holder._receive(a_call(id, connection_id="k1", reply_to="process.dead"))
        await settle()
        return len(near.calls) - before

    assert await arrive(gone.id) == 1
    assert await arrive(*(f"n{number}" for number in range(9_999))) == 9_999
    assert await arrive(gone.id) == 0
    assert await arrive("one more") == 1
    # The oldest is forgotten now, and only that.
    assert await arrive("n0") == 0
    assert await arrive(gone.id) == 1


async def test_a_command_of_this_process_is_not_compared_with_those_of_others(processes: Both) -> None:
    caller, _ = processes
    near = caller.connections["k1"] = Noted()  # type: ignore[assignment]
    call = a_call(reply_to=caller.channel, connection_id="k1")

    caller._receive(call)
    await settle()

    assert near.calls == [call] and not caller._arrived


async def test_a_command_is_handled_when_its_confirmation_can_not_be_sent(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, holder = processes
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]
    monkeypatch.setattr(get_channel_layer(), "send", broken)

    holder._receive(a_call(reply_to="process.away", connection_id="k1"))
    await settle()

    assert len(near.calls) == 1


async def test_a_command_to_a_replaced_connection_goes_to_the_newer_one(
    processes: Both, state: Shared
) -> None:
    caller, holder = processes
    old = caller.connections["k1"] = Noted()  # type: ignore[assignment]
    old.is_replaced = True
    new = holder.connections["k2"] = Noted()  # type: ignore[assignment]
    await state.connect(registered(holder, "k2"))

    caller._receive(a_call(reply_to=caller.channel, connection_id="k1"))
    await settle()

    assert not old.calls
    assert [(call.connection_id, call.hops) for call in new.calls] == [("k2", 1)]


async def test_a_command_to_a_connection_that_is_gone_follows_its_station_to_a_gateway(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes
    await state.connect(at_gateway("k2"))
    state.answers = [("queued", "")]

    caller._receive(a_call(reply_to=caller.channel, connection_id="k1"))
    await settle()

    assert [run[1:4] for run in state.ran] == [("CP-1", "k2", "c1")]


async def test_a_command_follows_its_station_three_times_at_most(
    processes: Both, state: Shared, ended: list[str]
) -> None:
    caller, holder = processes
    new = holder.connections["k2"] = Noted()  # type: ignore[assignment]
    await state.connect(registered(holder, "k2"))

    caller._receive(a_call("third", hops=2, reply_to=caller.channel, connection_id="k1"))
    over = caller.expect("fourth")
    caller._receive(a_call("fourth", hops=3, reply_to=caller.channel, connection_id="k1"))
    await asyncio.wait_for(over.wait(), 30)
    await settle()

    assert [(call.id, call.hops) for call in new.calls] == [("third", 3)]
    assert ended == ["fourth"]


@pytest.mark.parametrize("registered_id", ["", "k1"])
async def test_a_command_without_a_connection_to_follow_ends_and_its_caller_is_notified(
    processes: Both, state: Shared, ended: list[str], registered_id: str
) -> None:
    caller, holder = processes
    if registered_id:  # the registration of the connection that has just ended
        await state.connect(registered(holder, registered_id))
    over = caller.expect("c1")

    holder._receive(a_call(reply_to=caller.channel, connection_id="k1"))
    await asyncio.wait_for(over.wait(), 30)

    assert ended == ["c1"]


@pytest.mark.parametrize("error", [StorageUnavailable(), QueueFull()])
async def test_a_command_that_can_not_be_forwarded_ends_at_its_deadline_and_not_before(
    processes: Both, state: Shared, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    caller, _ = processes
    await state.connect(at_gateway("k2"))
    monkeypatch.setattr(state, "run", raising(error))
    over = caller.expect("c1")

    caller._receive(a_call(reply_to=caller.channel, connection_id="k1"))
    await settle()

    assert not over.is_set()
