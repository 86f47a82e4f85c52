"""Notices about stations reach the process that serves them."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from ocpp_server.transport import messages
from ocpp_server.transport.messages import (
    CommandFinished,
    StationChanged,
    StationDismissed,
)
from ocpp_server.transport.switchboard import Switchboard
from tests.logged import captured_logs
from tests.unit.transport.switchboard.doubles import (
    Both,
    Noted,
    Shared,
    _request,
    at_gateway,
    broken,
    registered,
    settle,
)


async def test_a_notice_goes_to_the_process_of_its_connection(processes: Both) -> None:
    caller, holder = processes
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]
    other = holder.connections["k2"] = Noted()  # type: ignore[assignment]

    await caller.notify(registered(holder), StationDismissed(code=1008, reason="Removed."))
    await caller.notify(registered(holder), StationChanged())
    await settle()

    assert near.events == [(1008, "Removed."), "changed"] and not other.events


async def test_a_notice_for_a_connection_at_a_gateway_goes_through_redis(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes

    await caller.notify(at_gateway(), StationChanged())
    await caller.notify(at_gateway(), StationDismissed(code=1008, reason="Removed."))

    assert [run[1:4] for run in state.ran] == [("CP-1", "k1", "request"), ("CP-1", "k1", "response")]
    assert "1008" in str(state.ran[1]) and "Removed." in str(state.ran[1])


async def test_a_changed_station_is_published_and_its_acceptance_announced(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes
    accepted: list[int] = []

    async def accept(pk: int) -> None:
        accepted.append(pk)

    await caller.start(accepted=accept)
    connections = [Noted(accepts=False), Noted(accepts=True)]
    for number, connection in enumerate(connections):
        caller.connections[f"k{number}"] = connection  # type: ignore[assignment]
        caller._receive(StationChanged(connection_id=f"k{number}"))
        await settle()
        assert accepted == [7] * number

    assert state.published == [connection.station for connection in connections]


async def test_an_accepted_station_needs_no_listener(processes: Both, state: Shared) -> None:
    caller, _ = processes
    near = caller.connections["k1"] = Noted(accepts=True)  # type: ignore[assignment]

    caller._receive(StationChanged(connection_id="k1"))
    await settle()

    assert state.published == [near.station]


async def test_a_connected_station_is_notified_from_any_thread(processes: Both, state: Shared) -> None:
    caller, holder = processes
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]
    await state.connect(registered(holder))

    _request.set("of the request")
    await asyncio.to_thread(caller.notify_station, "cp-1", StationChanged())
    await asyncio.to_thread(caller.notify_station, "CP-2", StationChanged())
    await settle()

    assert near.events == ["changed"]
    assert state.asked_in == ["none", "none"]
    assert not caller._tasks


async def test_a_notice_and_a_delivery_are_not_lost_while_they_wait(processes: Both, state: Shared) -> None:
    caller, _ = processes
    state.gate = asyncio.Event()

    caller.notify_station("CP-1", StationChanged())
    await settle()
    assert len(caller._tasks) == 1
    with caller.arriving("k1"):
        caller._receive(StationChanged(connection_id="k1"))
        await settle()
        # The event loop has weak references to its tasks only.
        assert len(caller._tasks) == 2
    state.gate.set()
    await settle()

    assert not caller._tasks


async def test_a_program_without_a_loop_notifies_before_it_returns(processes: Both, state: Shared) -> None:
    _, holder = processes
    await state.connect(registered(holder))
    near = holder.connections["k1"] = Noted()  # type: ignore[assignment]

    await sync_to_async(Switchboard().notify_station)("CP-1", StationChanged())
    await settle()

    assert near.events == ["changed"]


async def test_a_notice_that_can_not_be_sent_is_logged(processes: Both, state: Shared) -> None:
    state.is_away = True

    with captured_logs() as lines:
        processes[0].notify_station("CP-1", StationChanged())
        await settle()

    assert [(line["station"], line["kind"]) for line in lines] == [("CP-1", "station.changed")]


async def test_functions_are_called_in_the_loop_while_there_is_one(processes: Both) -> None:
    caller, _ = processes
    loop = asyncio.get_running_loop()
    called: list[bool] = []

    def function() -> None:
        called.append(asyncio.get_running_loop() is loop)

    assert await asyncio.to_thread(caller.call_soon, function) is True
    await settle()
    assert called == [True]

    await caller.stop()
    assert caller.call_soon(function) is False
    await settle()
    assert called == [True]


def test_a_loop_that_was_closed_calls_nothing() -> None:
    process = Switchboard()

    async def begin() -> None:
        await process.start()

    asyncio.run(begin())

    assert process.call_soon(lambda: None) is False


async def test_a_caller_is_woken_by_the_end_of_its_command_and_no_other(processes: Both) -> None:
    caller, holder = processes
    first, second = caller.expect("c1"), caller.expect("c2")
    assert caller.expect("c1") is first

    await holder.finished("c1", caller.channel)
    await settle()

    assert first.is_set() and not second.is_set()
    caller.forget("c1")
    caller.forget("c1")
    assert caller.expect("c1") is not first


async def test_an_end_that_can_not_be_announced_is_found_at_the_deadline(
    processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_channel_layer(), "send", broken)

    with captured_logs() as lines:
        await processes[1].finished("c1", processes[0].channel)

    assert [line["message_id"] for line in lines] == ["c1"]


async def test_the_end_of_a_command_is_no_confirmation_and_the_reverse(processes: Both) -> None:
    caller, holder = processes
    over = caller.expect("c1")
    taken = caller._unconfirmed["c1"] = asyncio.Event()

    await holder.send(caller.channel, messages.CommandTaken(id="c1"))
    await settle()
    assert (taken.is_set(), over.is_set()) == (True, False)

    taken.clear()
    await holder.send(caller.channel, CommandFinished(id="c1"))
    await settle()
    assert (taken.is_set(), over.is_set()) == (False, True)
