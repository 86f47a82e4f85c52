"""Stations whose connection is replaced by a newer one, or whose process has died."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport import station_store, takeover
from ocpp_server.transport.messages import StationReplaced
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.switchboard import Switchboard
from tests.logged import captured_logs
from tests.unit.transport.instant import skip_waits
from tests.unit.transport.switchboard.doubles import (
    Both,
    Noted,
    Shared,
    at_gateway,
    raising,
    registered,
    settle,
)


@pytest.fixture
def here(processes: Both, monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    """The process whose connection is the newer one."""
    monkeypatch.setattr(takeover, "switchboard", processes[0])
    return processes[0]


def sent(here: Switchboard, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    async def send(*arguments: Any) -> None:
        found.append(arguments)

    monkeypatch.setattr(here, "send", send)
    return found


# -- replaced connections ------------------------------------------------------------------------------


async def test_a_connection_of_this_process_is_closed_without_a_message(
    here: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sent(here, monkeypatch)
    near = here.connections["k1"] = Noted()  # type: ignore[assignment]

    with captured_logs() as lines:
        assert await takeover.replace(registered(here)) is True

    assert near.events == ["replaced"] and found == []
    assert [(line["event"], line["station"]) for line in lines] == [("station.replaced", "CP-1")]


async def test_a_connection_of_another_process_has_ended_when_that_process_confirms_it(
    here: Switchboard, processes: Both
) -> None:
    _, holder = processes
    far = holder.connections["k1"] = Noted()  # type: ignore[assignment]

    assert await takeover.replace(registered(holder)) is True

    assert far.events == ["replaced"]


async def test_the_message_to_the_other_process_names_the_connection_and_who_waits(
    here: Switchboard, processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, holder = processes
    found = sent(here, monkeypatch)
    first, second = (asyncio.create_task(takeover.replace(registered(holder))) for _ in range(2))
    await settle()

    (channel, message), (_, other) = found
    assert isinstance(message, StationReplaced) and channel == holder.channel
    assert (message.connection_id, message.reply_to) == ("k1", here.channel)
    assert message.id != other.id
    here.expect(message.id).set()
    here.expect(other.id).set()
    assert await first is await second is True


async def test_an_older_connection_that_no_process_confirms_is_given_up_after_two_seconds(
    here: Switchboard, processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sent(here, monkeypatch)
    loop = skip_waits(monkeypatch, only_jumps=True)
    began = loop.time()

    with captured_logs() as lines:
        assert await takeover.replace(registered(processes[1])) is False

    assert loop.time() - began == pytest.approx(2, abs=0.01)
    assert [line["event"] for line in lines] == ["station.replaced", "station.handover_unconfirmed"]
    # A late confirmation finds no waiter.
    assert not here.expect(found[0][1].id).is_set() and here._waiters.keys() == {found[0][1].id}


async def test_a_connection_at_a_gateway_is_closed_through_its_queue(
    here: Switchboard, state: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sent(here, monkeypatch)
    task = asyncio.create_task(takeover.replace(at_gateway()))
    await settle()

    ((_, identity, gateway, text),) = state.ran
    control = envelope.parse(str(text))
    assert (identity, gateway, control.session_id, control.reply_to) == ("CP-1", "gw", "k1", here.channel)
    here.expect(str(control.message_id)).set()
    assert await task is True and found == []


async def test_an_outage_of_redis_is_raised_and_no_waiter_is_left(
    here: Switchboard, processes: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here, "send", raising(LookupError("gone")))

    with pytest.raises(LookupError):
        await takeover.replace(registered(processes[1]))

    assert not here._waiters


@pytest.mark.parametrize("known", [True, False])
async def test_a_connection_is_closed_when_the_message_about_the_newer_one_was_lost(
    here: Switchboard, known: bool
) -> None:
    near = Noted()
    if known:
        here.connections["k1"] = near  # type: ignore[assignment]

    await takeover.lost("k1")

    assert near.events == (["replaced"] if known else [])


# -- expired leases ------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The rows that were stored."""
    found: list[Any] = []

    def show(unit: Any, pk: int, *, connection_id: str) -> None:
        unit.updates.append((pk, connection_id))

    async def commit(unit: Any) -> None:
        found.extend(unit.updates)

    monkeypatch.setattr(station_store.port, "app", SimpleNamespace(show_connected_again=show))
    monkeypatch.setattr(journal, "commit", commit)
    return found


async def test_a_station_whose_lease_had_expired_is_loaded_again_and_shown_as_online(
    here: Switchboard, shown: list[Any]
) -> None:
    near = here.connections["k1"] = Noted()  # type: ignore[assignment]

    await takeover.regained("k1")
    await takeover.regained("k2")

    assert near.events == ["changed"] and shown == [(7, "k1")]


@pytest.mark.parametrize("step", ["changed", "commit"])
async def test_a_station_that_can_not_be_loaded_again_has_to_reconnect(
    here: Switchboard, shown: list[Any], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    near = here.connections["k1"] = Noted()  # type: ignore[assignment]
    monkeypatch.setattr(near if step == "changed" else journal, step, raising(StorageUnavailable()))

    await takeover.regained("k1")

    assert near.events[-1] == (1013, "The database is away; try again later.") and shown == []


# -- dead processes ------------------------------------------------------------------------------------


async def test_the_stations_of_dead_processes_are_shown_as_offline_500_at_a_time(
    state: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[dict[str, Any]] = []
    online = {f"CP-{number}": f"k{number}" for number in range(1001)}

    async def gone(believed: Any) -> dict[str, Any]:
        assert believed == online
        return dict.fromkeys(believed.values())

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    store = SimpleNamespace(connection_ids=lambda: online, end_connections=ended.append)
    monkeypatch.setattr(station_store.port, "app", store)
    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(state, "gone", gone)

    await takeover.end_dead_connections()

    assert [len(some) for some in ended] == [500, 500, 1]
    assert [one for some in ended for one in some.items()] == [(name, None) for name in online.values()]
