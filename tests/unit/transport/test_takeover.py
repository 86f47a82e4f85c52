"""A newer connection takes over a station, in any process; the stations of dead processes become offline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from channels.layers import channel_layers

from ocpp_server import live
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import station_store, takeover
from ocpp_server.transport.messages import CommandFinished
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.instant import skip_waits
from tests.unit.transport.switchboard.doubles import Noted, Shared, at_gateway, registered, settle


class World:
    """This process and another one, with the stored stations."""

    def __init__(self) -> None:
        self.here, self.there = Switchboard(), Switchboard()
        self.state = Shared()
        self.shown: list[Any] = []
        self.committed: list[Unit] = []
        self.error: Exception | None = None
        self.online: dict[str, str] = {}

    # The port of stored stations.

    def show_connected_again(self, unit: Unit, charge_point_pk: int, *, connection_id: str) -> None:
        self.shown.append((unit, charge_point_pk, connection_id))

    def connection_ids(self) -> dict[str, str]:
        return self.online

    def end_connections(self, gone: Mapping[str, datetime | None]) -> None:
        self.shown.append(dict(gone))

    # The journal.

    async def commit(self, unit: Unit) -> None:
        if self.error is not None:
            raise self.error
        self.committed.append(unit)

    async def run(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    skip_waits(monkeypatch, only_jumps=True)
    channel_layers.backends.clear()
    world = World()
    monkeypatch.setattr(live, "state", lambda: world.state)
    monkeypatch.setattr(takeover, "switchboard", world.here)
    monkeypatch.setattr(station_store.port, "app", world)
    monkeypatch.setattr(journal, "commit", world.commit)
    monkeypatch.setattr(journal, "run", world.run)
    await world.here.start()
    await world.there.start()
    yield world
    await world.here.stop()
    await world.there.stop()


# -- replaced ------------------------------------------------------------------------------------------


async def test_a_connection_of_this_process_is_replaced_at_once(world: World) -> None:
    older = world.here.connections["k1"] = Noted()  # type: ignore[assignment]

    assert await takeover.replace(registered(world.here)) is True

    assert older.events == ["replaced"]


async def test_a_connection_of_this_process_may_take_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its current message is stored first, also when that takes longer than another process gets."""
    older = world.here.connections["k1"] = Noted()  # type: ignore[assignment]

    async def slowly() -> None:
        await asyncio.sleep(3)
        older.events.append("stored")

    monkeypatch.setattr(older, "replace", slowly)

    assert await takeover.replace(registered(world.here)) is True

    assert older.events == ["stored"]


async def test_a_connection_of_another_process_is_replaced_and_confirmed(world: World) -> None:
    older = world.there.connections["k1"] = Noted()  # type: ignore[assignment]

    assert await takeover.replace(registered(world.there)) is True

    assert older.events == ["replaced"]
    assert world.here._waiters == {}


async def test_a_dead_process_is_waited_for_two_seconds(world: World) -> None:
    loop = asyncio.get_running_loop()
    gone = registered(world.there)
    await world.there.stop()
    began = loop.time()

    assert await takeover.replace(gone) is False

    assert loop.time() - began == pytest.approx(2.0)
    assert world.here._waiters == {}


async def test_a_connection_at_a_gateway_is_replaced_through_its_queue(world: World) -> None:
    replacing = asyncio.create_task(takeover.replace(at_gateway()))
    await settle()

    ((_, identity, server, packed),) = world.state.ran
    control = envelope.parse(packed)
    assert (identity, server) == ("CP-1", "gw")
    assert (control.event, control.session_id, control.reply_to) == (
        envelope.REPLACED,
        "k1",
        world.here.channel,
    )
    assert not replacing.done()
    await world.there.send(world.here.channel, CommandFinished(id=control.message_id))

    assert await replacing is True


async def test_an_outage_during_the_takeover_is_reported_to_the_caller(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: Any) -> None:
        raise live.LiveStateUnavailable

    monkeypatch.setattr(world.state, "run", run)

    with pytest.raises(live.LiveStateUnavailable):
        await takeover.replace(at_gateway())

    assert world.here._waiters == {}


async def test_a_connection_whose_replacement_was_lost_is_closed_later(world: World) -> None:
    older = world.here.connections["k1"] = Noted()  # type: ignore[assignment]

    await takeover.lost("k1")
    await takeover.lost("unknown")

    assert older.events == ["replaced"]


# -- regained ------------------------------------------------------------------------------------------


async def test_a_station_whose_lease_is_regained_is_loaded_again_and_shown_online(world: World) -> None:
    near = world.here.connections["k1"] = Noted()  # type: ignore[assignment]

    await takeover.regained("k1")

    assert near.events == ["changed"]
    ((unit, pk, connection_id),) = world.shown
    assert isinstance(unit, Unit)
    assert (pk, connection_id) == (7, "k1")
    assert world.committed == [unit]


async def test_a_station_that_cannot_be_loaded_is_dismissed_and_connects_again(world: World) -> None:
    near = world.here.connections["k1"] = Noted()  # type: ignore[assignment]
    world.error = StorageUnavailable()

    await takeover.regained("k1")

    assert near.events[1:] == [(1013, "The database is away; try again later.")]


async def test_the_lease_of_a_closed_connection_changes_nothing(world: World) -> None:
    await takeover.regained("unknown")

    assert (world.shown, world.committed) == ([], [])


# -- dead processes ------------------------------------------------------------------------------------


async def test_the_connections_of_dead_processes_are_ended_five_hundred_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    async def gone(shown_online: Any) -> dict[str, Any]:
        asked.append(shown_online)
        return dict.fromkeys(world.online.values())

    world.online = {f"CP-{number}": f"k{number}" for number in range(501)}
    monkeypatch.setattr(world.state, "gone", gone)

    await takeover.end_dead_connections()

    assert asked == [world.online]
    assert [len(some) for some in world.shown] == [500, 1]
    assert world.shown[0] | world.shown[1] == {f"k{number}": None for number in range(501)}


async def test_a_station_that_has_connected_again_is_ended_with_the_time_of_its_new_connection(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = at_gateway("k1")
    world.online = {"CP-0": "k0", again.identity: "older"}

    async def gone(shown_online: Any) -> dict[str, Any]:
        return {"k0": None, "older": again.connected_at}

    monkeypatch.setattr(world.state, "gone", gone)

    await takeover.end_dead_connections()

    assert world.shown == [{"k0": None, "older": again.connected_at}]


async def test_without_dead_processes_nothing_is_ended(world: World) -> None:
    await takeover.end_dead_connections()

    assert world.shown == []
