"""The live state in memory: connections, and what it has without other processes."""

from __future__ import annotations

import pytest

from ocpp_server.live import extensions, memory
from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.memory import MemoryState
from tests.unit.live.memory.states import connection


async def test_the_newest_connection_of_an_identity_in_any_case_wins(state: MemoryState) -> None:
    assert await state.connect(connection("k1", "Cp-1")) is None

    replaced = await state.connect(connection("k2", "CP-1"))

    assert replaced is not None and replaced.id == "k1"
    current = await state.connection("cP-1")
    assert current is not None and current.id == "k2"
    assert state.is_connected("cp-1") and state.connected() == ["CP-1"]


async def test_only_the_close_of_the_current_connection_ends_it(state: MemoryState) -> None:
    await state.connect(connection("k1", "b"))
    await state.connect(connection("k2", "B"))
    await state.connect(connection("k3", "A"))

    assert await state.disconnect("B", "k1") is False
    assert state.connected() == ["A", "B"]
    assert await state.disconnect("b", "k2") is True
    assert await state.disconnect("b", "k2") is False
    assert (await state.connection("B"), state.connected(), state.is_connected("B")) == (None, ["A"], False)


async def test_answers_of_the_last_20000_stations_are_remembered(
    state: MemoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory.REPLAY_MEMORIES == 20_000
    monkeypatch.setattr(memory, "REPLAY_MEMORIES", 2)

    first, second = state.replay_memory("A"), state.replay_memory("B")
    assert state.replay_memory("a") is first and first is not second
    state.replay_memory("C")

    assert state.replay_memory("A") is first
    assert state.replay_memory("B") is not second


async def test_a_process_alone_is_its_own_housekeeper_and_has_no_scripts(state: MemoryState) -> None:
    await state.connect(connection("k1"))

    assert (state.is_shared, state.is_housekeeper, state.is_current, state.away) == (False, True, True, None)
    assert (await state.status(), await state.gone({"CP-1": "k9"})) == ({}, {})
    assert await state.recent.note("a", "CP-1", "login") == 1
    assert await state.probes.requested() == []
    registered = await state.registered("cp-1")
    assert registered is not None and registered.id == "k1"
    with pytest.raises(LiveStateUnavailable):
        await state.run(None, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["stored key", "removed"])
def test_apps_discard_their_copies_of_a_station(
    state: MemoryState, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    forgotten: list[str | None] = []
    extension = extensions.Extension(name="one", forget=forgotten.append)
    monkeypatch.setattr(
        extensions, "_extensions", {"one": extension, "two": extensions.Extension(name="two")}
    )

    if change == "removed":
        state.station_removed("CP-1")
    else:
        state.stored_key_changed("CP-1", "key", None)

    assert forgotten == ["CP-1"]
