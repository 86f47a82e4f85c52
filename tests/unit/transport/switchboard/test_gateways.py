"""Commands to stations at gateways, and replaced connections."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from ocpp_server.domain import QueueFull, StationOffline
from ocpp_server.transport.messages import (
    StationChanged,
    StationReplaced,
)
from tests.logged import captured_logs
from tests.unit.transport.switchboard.doubles import (
    Both,
    Noted,
    Shared,
    a_call,
    at_gateway,
    raising,
    registered,
    settle,
)


async def test_a_command_to_a_station_at_a_gateway_goes_into_its_queue(
    processes: Both, state: Shared
) -> None:
    caller, _ = processes
    state.answers = [("queued", "")]

    await caller.send_command(at_gateway(), a_call(reply_to=caller.channel))

    assert [run[1:4] for run in state.ran] == [("CP-1", "k1", "c1")]


async def test_a_command_to_a_station_that_has_left_its_gateway_follows_it(
    processes: Both, state: Shared
) -> None:
    caller, holder = processes
    near = holder.connections["k2"] = Noted()  # type: ignore[assignment]
    await state.connect(registered(holder, "k2"))
    state.answers = [("gone", "")]

    await caller.send_command(at_gateway(), a_call(reply_to=caller.channel))

    assert [call.connection_id for call in near.calls] == ["k2"]


@pytest.mark.parametrize("current", [None, "k1"])
async def test_a_command_to_a_station_that_has_left_for_good_is_refused(
    processes: Both, state: Shared, current: str | None
) -> None:
    caller, _ = processes
    if current is not None:
        await state.connect(at_gateway(current))
    state.answers = [("gone", "")]

    with pytest.raises(StationOffline):
        await caller.send_command(at_gateway(), a_call(reply_to=caller.channel))


async def test_a_full_queue_refuses_the_command(processes: Both, state: Shared) -> None:
    state.answers = [("full", "")]

    with pytest.raises(QueueFull):
        await processes[0].send_command(at_gateway(), a_call())


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_replaced_connection_is_confirmed_after_it_has_closed_or_if_it_is_gone(
    processes: Both, is_connected: bool
) -> None:
    caller, holder = processes
    near = Noted()
    if is_connected:
        holder.connections["k1"] = near  # type: ignore[assignment]
    over = caller.expect("r1")

    await caller.send(holder.channel, StationReplaced(connection_id="k1", id="r1", reply_to=caller.channel))
    await asyncio.wait_for(over.wait(), 5)

    assert near.events == (["replaced"] if is_connected else [])


async def test_messages_for_a_connection_wait_until_its_station_is_loaded(processes: Both) -> None:
    caller, _ = processes
    near = Noted()

    with caller.arriving("k1") as arrival:
        caller._receive(StationChanged(connection_id="k1"))
        await settle()
        assert not arrival.is_replaced
        caller.connections["k1"] = near  # type: ignore[assignment]
        await settle()
        assert not near.events
    await settle()

    assert near.events == ["changed"] and not caller.arrivals


async def test_a_connection_learns_while_it_is_loaded_that_it_was_replaced(processes: Both) -> None:
    caller, _ = processes
    over = caller.expect("r1")

    with caller.arriving("k1") as arrival, suppress(LookupError):
        caller._receive(StationReplaced(connection_id="k1", id="r1", reply_to=caller.channel))
        caller._receive(StationChanged(connection_id="k1"))
        await settle()
        assert arrival.is_replaced and not over.is_set()
        raise LookupError
    await settle()

    assert over.is_set() and not caller.arrivals


async def test_a_connection_that_fails_costs_only_its_own_message(processes: Both) -> None:
    caller, _ = processes
    failing, near = Noted(), Noted()
    failing.call = raising(LookupError("no such thing"))  # type: ignore[method-assign]
    caller.connections |= {"k1": failing, "k2": near}  # type: ignore[dict-item]

    with captured_logs() as lines:
        caller._receive(a_call(reply_to=caller.channel, connection_id="k1"))
        caller._receive(a_call(reply_to=caller.channel, connection_id="k2"))
        await settle()

    assert len(near.calls) == 1
    assert [(line["kind"], line["station"]) for line in lines] == [("station.call", "CP-1")]
