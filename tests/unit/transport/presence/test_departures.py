"""A socket has closed: its commands end, and the station is shown as offline, at the latest afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import JournalUnavailable
from ocpp_server.transport import presence
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.presence.world import World

AWAY = JournalUnavailable("away")
SEEN = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
async def online(world: World) -> Station:
    """A station that is connected over k1."""
    station = await world.arrive("k1")
    station.last_seen_at = SEEN
    world.log.clear()
    world.events.clear()
    return station


async def test_the_end_of_a_connection_is_stored_with_its_code_and_its_last_sign_of_life(
    world: World, online: Station
) -> None:
    await world.leave(station=online)

    ((pk, columns),) = world.of("offline")
    assert pk == 3 and abs(datetime.now(UTC) - columns.pop("disconnected_at")) < timedelta(minutes=1)
    assert columns == {"close_code": 1006, "last_seen_at": SEEN}
    assert world.events == [("station.disconnected", "CP-1", {"connectionId": "k1", "closeCode": 1006})]
    assert world.kinds == ["commands ended", "offline", "stored"]
    assert not world.is_connected("CP-1")


async def test_a_closed_connection_gets_no_more_messages_of_other_processes(
    world: World, online: Station, process: Switchboard
) -> None:
    both: Any = {"k1": object(), "k2": object()}
    process.connections |= both

    await world.leave("k1", station=online)
    await world.leave("k1", station=online)

    assert list(process.connections) == ["k2"]


async def test_the_end_of_an_older_connection_does_not_show_the_station_as_offline(
    world: World, online: Station
) -> None:
    await world.leave("k0", station=online)

    assert world.kinds == ["commands ended"] and world.is_connected("CP-1")


async def test_deviations_that_were_not_stored_yet_are_added(world: World, online: Station) -> None:
    online.deviation("broken-frame")

    await world.leave(station=online)

    ((pk, kinds, at),) = world.of("deviations")
    assert (pk, kinds) == (3, ["broken-frame"]) and abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert world.kinds == ["commands ended", "deviations", "offline", "stored"]


async def test_a_station_is_offline_even_if_its_commands_can_not_be_ended(
    world: World, online: Station
) -> None:
    await world.leave(station=online, error=AWAY)

    assert not world.is_connected("CP-1") and len(world.of("offline")) == 1


async def test_an_end_that_can_not_be_stored_is_stored_when_the_database_is_back_and_once(
    world: World, online: Station
) -> None:
    world.error = AWAY
    await world.leave(station=online)
    with pytest.raises(JournalUnavailable):
        await presence.record_departures()
    world.error = None

    await presence.record_departures()
    await presence.record_departures()

    assert [pk for pk, _ in world.of("offline")] == [3]
    assert len(world.events) == 1


async def test_a_station_that_has_connected_again_is_not_shown_as_offline_afterwards(
    world: World, online: Station
) -> None:
    world.error = AWAY
    await world.leave(station=online)
    world.error = None

    await world.arrive("k2")
    await presence.record_departures()

    assert world.of("offline") == []


async def test_an_end_is_not_stored_any_more_when_the_station_connects_while_it_is_tried(
    world: World, online: Station
) -> None:
    world.error = AWAY
    await world.leave(station=online)
    await world.connect(Connection("k2", "CP-1", V16, "process.other", "192.0.2.9", SEEN))
    with pytest.raises(JournalUnavailable):
        await presence.record_departures()
    world.error = None

    await presence.record_departures()

    assert world.of("offline") == []


async def test_an_end_is_kept_when_the_next_connection_can_not_be_stored(
    world: World, online: Station
) -> None:
    world.error = AWAY
    await world.leave(station=online)
    with pytest.raises(JournalUnavailable):
        await world.arrive("k2")
    world.error = None

    await presence.record_departures()

    assert [columns["last_seen_at"] for _, columns in world.of("offline")] == [SEEN]


async def test_a_failed_connection_of_a_station_that_had_not_ended_leaves_nothing_to_store(
    world: World,
) -> None:
    world.error = AWAY
    with pytest.raises(JournalUnavailable):
        await world.arrive("k1")
    world.error = None

    await presence.record_departures()

    assert world.of("offline") == [] and world.of("stored") == []


@pytest.mark.parametrize("is_chosen", [True, False])
async def test_between_processes_a_station_is_shown_as_offline_only_if_its_connection_is_the_newest(
    world: World, online: Station, settings: Any, monkeypatch: pytest.MonkeyPatch, is_chosen: bool
) -> None:
    monkeypatch.setattr(World, "is_shared", True)
    settings.EVENT_TYPES = ("station.disconnected",) if is_chosen else ()

    await world.leave(station=online)

    ((pk, connection_id, columns),) = world.of("offline if current")
    assert (pk, connection_id, columns["close_code"]) == (3, "k1", 1006)
    assert world.of("offline") == [] and len(world.events) == is_chosen
    # A unit without rows is not committed.
    assert len(world.of("stored")) == is_chosen
