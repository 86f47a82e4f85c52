"""Messages between processes reach the connection they are for, once, and their senders learn of the end.

Two processes share the channel layer here. Their connections only note what arrives: what a real one does
with it is the subject of other tests.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from asgiref.sync import sync_to_async
from channels.layers import channel_layers, get_channel_layer

from ocpp_server import live
from ocpp_server.domain import QueueFull, StationOffline
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Connection
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store, messages
from ocpp_server.transport.messages import (
    CommandFinished,
    StationCall,
    StationChanged,
    StationDismissed,
    StationReplaced,
)
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.instant import skip_waits


class Noted:
    """A connection that notes what it is asked."""

    def __init__(self, identity: str = "CP-1", *, accepts: bool = False) -> None:
        self.station = SimpleNamespace(identity=identity, pk=7)
        self.is_replaced = False
        self.calls: list[StationCall] = []
        self.events: list[Any] = []
        self.seen_in: list[str] = []
        self._accepts = accepts

    async def call(self, command: StationCall) -> None:
        self.seen_in.append(_request.get())
        self.calls.append(command)

    async def replace(self) -> None:
        self.events.append("replaced")

    async def changed(self) -> bool:
        self.events.append("changed")
        return self._accepts

    async def dismiss(self, code: int, reason: str) -> None:
        self.events.append((code, reason))


class Shared(MemoryState):
    """The live state of both processes. It notes the Redis scripts for gateways and answers as told."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[Any] = []
        self.ran: list[tuple[Any, ...]] = []
        self.answers: list[Any] = []
        self.is_away = False
        self.asked_in: list[str] = []
        self.gate: asyncio.Event | None = None

    def station_changed(self, station: Any) -> None:
        self.published.append(station)

    async def connection(self, identity: str) -> Connection | None:
        self.asked_in.append(_request.get())
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise live.LiveStateUnavailable
        return await super().connection(identity)

    async def run(self, script: Any, keys: list[str], *arguments: str | int) -> Any:
        self.ran.append(arguments)
        return self.answers.pop(0) if self.answers else None


_request = contextvars.ContextVar("_request", default="none")


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Shared:
    shared = Shared()
    monkeypatch.setattr(live, "state", lambda: shared)
    return shared


@pytest.fixture
async def processes(
    monkeypatch: pytest.MonkeyPatch, state: Shared
) -> AsyncIterator[tuple[Switchboard, Switchboard]]:
    """The process of the caller and the one with the sockets."""
    skip_waits(monkeypatch)
    channel_layers.backends.clear()
    caller, holder = Switchboard(), Switchboard()
    caller.start()
    holder.start()
    yield caller, holder
    await caller.stop()
    await holder.stop()


Both = tuple[Switchboard, Switchboard]


def registered(process: Switchboard, id: str = "k1", identity: str = "CP-1") -> Connection:
    return _registered(process.channel, id, identity)


def _registered(channel: str, id: str, identity: str = "CP-1") -> Connection:
    return Connection(id, identity, "ocpp1.6", channel, "10.0.0.1", datetime.now(UTC), server="gw")


def at_gateway(id: str = "k1") -> Connection:
    return _registered("", id)


def a_call(id: str = "c1", **more: Any) -> StationCall:
    values = {"identity": "CP-1", "id": id, "action": "Reset", "payload": {}, "timeout": 30, "reply_to": "x"}
    return StationCall(**(values | more))


async def settle() -> None:
    """Let everything run that is not waiting for a timer."""
    for _ in range(30):
        await asyncio.sleep(0)


# -- commands ---------------------------------------------------------------------------------------------


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


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that were ended as disconnected."""
    found: list[str] = []

    async def run(function: Any, *arguments: Any) -> None:
        assert function == command_store.port.app.end_disconnected
        found.extend(arguments)

    monkeypatch.setattr(journal, "run", run)
    return found


# -- commands to stations at gateways ---------------------------------------------------------------------


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


# -- notices ----------------------------------------------------------------------------------------------


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

    caller.start(accepted=accept)
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

    with structlog.testing.capture_logs() as lines:
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
        process.start()

    asyncio.run(begin())

    assert process.call_soon(lambda: None) is False


# -- replaced connections ---------------------------------------------------------------------------------


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

    with structlog.testing.capture_logs() as lines:
        caller._receive(a_call(reply_to=caller.channel, connection_id="k1"))
        caller._receive(a_call(reply_to=caller.channel, connection_id="k2"))
        await settle()

    assert len(near.calls) == 1
    assert [(line["kind"], line["station"]) for line in lines] == [("station.call", "CP-1")]


# -- waiting ----------------------------------------------------------------------------------------------


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

    with structlog.testing.capture_logs() as lines:
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


# -- the channel layer ------------------------------------------------------------------------------------


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
    with pytest.raises(TimeoutError):
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
    caller.start()
    began, over = loop.time(), caller.expect("c1")
    await caller._send(caller.channel, CommandFinished(id="c1"))
    await asyncio.wait_for(over.wait(), 30)

    assert 2 <= loop.time() - began < 2.9


async def test_a_process_has_a_channel_of_its_own_and_keeps_it_until_it_stops(processes: Both) -> None:
    caller, holder = processes
    channel = caller.channel
    assert channel.startswith("process.") and channel != holder.channel

    caller.start()
    assert caller.channel == channel

    await caller.stop()
    assert len([task for task in asyncio.all_tasks() if "_drain" in repr(task.get_coro())]) == 1
    await caller.stop()
    caller.start()
    assert caller.channel != channel


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


async def broken(*_: Any) -> None:
    raise OSError("refused")


async def hanging(*_: Any) -> None:
    await asyncio.sleep(3_600)


def raising(error: Exception) -> Any:
    async def function(*_: Any) -> None:
        raise error

    return function
