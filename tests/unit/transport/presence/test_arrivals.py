"""A station connects: it is registered, loaded after the connection that it replaces, and shown as online."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.observability import measures
from ocpp_server.storage.journal import JournalUnavailable
from ocpp_server.transport import presence
from ocpp_server.transport.handshake.admission import Refusal
from ocpp_server.transport.switchboard import Switchboard
from tests.unit.transport.conversation.line import running
from tests.unit.transport.presence.world import HERE, World

THERE = "192.0.2.2"


async def test_a_connection_is_registered_with_its_process_and_its_address(world: World) -> None:
    station = await world.arrive()

    found = await world.connection("CP-1")
    assert found is not None and abs(datetime.now(UTC) - found.connected_at) < timedelta(minutes=1)
    assert (found.id, found.identity, found.version) == ("k1", "CP-1", "ocpp1.6")
    assert (found.channel, found.remote_address) == ("process.here", HERE)
    assert (station.pk, station.connection_id) == (3, "k1")


async def test_a_station_is_published_as_it_was_loaded_and_as_it_was_stored(world: World) -> None:
    await world.arrive()

    assert world.kinds == ["loaded", "published", "online", "stored", "published"]
    assert world.of("loaded") == [(3, "ocpp1.6")]


async def test_a_station_is_shown_as_online_over_its_connection(world: World) -> None:
    station = await world.arrive()

    ((pk, columns),) = world.of("online")
    assert (pk, columns) == (
        3,
        {"version": "ocpp1.6", "connection_id": "k1", "address": HERE, "at": station.received_at},
    )
    assert not station.unit


async def test_the_event_of_a_connection_has_64_characters_of_its_address(world: World) -> None:
    await world.arrive(address="x" * 65)

    data = {"connectionId": "k1", "ocppVersion": "ocpp1.6", "remoteAddress": "x" * 64}
    assert world.events == [("station.connected", "CP-1", data)]


async def test_a_station_is_loaded_after_the_connection_that_it_replaces_has_ended(world: World) -> None:
    first = await world.arrive("k1")
    world.log.clear()

    second = await world.arrive("k2")

    assert world.kinds[:2] == ["replaced", "loaded"] and world.of("replaced") == [("k1",)]
    assert (first.in_doubt, second.in_doubt) == (False, False)
    assert measures.replacements.counts() == {("replaced",): 1}


async def test_a_station_is_in_doubt_when_the_end_of_the_older_connection_was_not_confirmed(
    world: World,
) -> None:
    await world.arrive("k1")
    world.confirms = False

    assert (await world.arrive("k2")).in_doubt is True


async def test_an_older_connection_that_has_finished_is_not_asked_to(world: World) -> None:
    await world.arrive("k1")
    older = await world.connection("CP-1")
    world.confirms = False

    station = await presence.load(
        3, version="ocpp1.6", address=HERE, connection_id="k2", replaced=older, is_finished=True
    )

    assert world.of("replaced") == [] and not station.in_doubt
    assert measures.replacements.counts() == {("replaced",): 1}


async def test_the_sixth_replacement_within_a_minute_shows_two_devices_with_one_identity(
    world: World,
) -> None:
    for number in range(6):
        await world.arrive(f"k{number}", HERE if number % 2 else THERE)
    assert world.duplicates == []

    await world.arrive("k6", THERE)

    assert [entry[:2] for entry in world.duplicates] == [(3, (HERE, THERE))]
    # Processes of other releases count under this name too.
    assert await world.recent.counts("", "CP-1", "replacement-seen") == [6]


async def test_a_connection_that_is_replaced_while_it_is_loaded_is_refused(
    world: World, process: Switchboard
) -> None:
    def replace() -> None:
        process.arrivals["k1"].is_replaced = True

    world.while_loading = replace

    with pytest.raises(Refusal) as refused:
        await world.arrive("k1")

    assert refused.value.status == 503
    assert not world.is_connected("CP-1") and process.arrivals == {}


async def test_a_station_that_can_not_be_stored_is_not_registered(world: World) -> None:
    world.error = JournalUnavailable("away")

    with pytest.raises(JournalUnavailable):
        await world.arrive()

    assert not world.is_connected("CP-1")


async def test_the_sessions_of_a_loaded_station_are_published_and_its_answers_remembered(
    world: World,
) -> None:
    world.transactions = {9: running(9)}

    station = await world.arrive()

    assert world.kinds[:3] == ["loaded", "transaction", "published"] and world.of("transaction") == [(9,)]
    assert station.memory is world.replay_memory("CP-1")


@pytest.mark.parametrize(
    ("heartbeat", "seconds"), [(100, 300), (20, 90), (0, 1_800)], ids=["own", "ping", "setting"]
)
def test_a_station_may_be_silent_for_three_heartbeats_or_pings(
    settings: object, heartbeat: int, seconds: int
) -> None:
    settings.OCPP_HEARTBEAT_INTERVAL, settings.OCPP_PING_INTERVAL = 600, 30  # type: ignore[attr-defined]

    assert presence.silence_allowed(heartbeat) == timedelta(seconds=seconds)
