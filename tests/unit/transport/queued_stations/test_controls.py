"""The controls of gateways and of other processes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.transport import presence
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue import stations as module
from ocpp_server.transport.queue.station import Outcome
from ocpp_server.transport.queue.stations import Stations
from ocpp_server.transport.switchboard import switchboard
from tests.unit.transport.queue_rules.redis_double import a_claim
from tests.unit.transport.queued_stations.world import Legacy, control, session


async def test_a_station_that_connects_is_loaded_with_the_connection_it_replaces(world: Any) -> None:
    await world.load(session="s0")
    world.loads.clear()
    world.redis.replies["HGETALL"] = [
        session(
            session_id="s1",
            remote_addr="10.0.0.7",
            channel="c1",
            replaced_id="s0",
            replaced_channel="c0",
            replaced_addr="10.0.0.6",
            replaced_server="gw0",
            certificate_name="SN-1",
        )
    ]
    claim = a_claim(session_id="s0", channel="", head=control("connect", protocol=V16))

    outcome = await world.stations.handle(claim)

    (load,) = world.loads
    replaced = load.pop("replaced")
    assert load == {
        "pk": 1,
        "version": V16,
        "address": "10.0.0.7",
        "connection_id": "s1",
        "certificate_name": "SN-1",
        "is_finished": False,
    }
    assert (replaced.id, replaced.identity, replaced.channel) == ("s0", "CP-1", "c0")
    assert (replaced.remote_address, replaced.server, replaced.version) == ("10.0.0.6", "gw0", "")
    assert (outcome.session_id, outcome.settles, outcome.answers) == ("s1", "+30000", [])
    assert (claim.session_id, claim.channel) == ("s1", "c1")
    assert world.dropped == [b"CP-1"] and list(switchboard.at_gateways) == ["s1"]
    assert world.redis.of("HGETALL")[-1:] == [(world.redis.keys.session("CP-1"),)]
    assert world.state.served[-2:] == ["-CP-1", "+CP-1"] and not world.known()._is_settled


async def test_a_connection_at_a_gateway_has_finished_its_messages_when_it_is_replaced(world: Any) -> None:
    for found in ({}, {"replaced_id": "s0"}):
        world.redis.replies["HGETALL"] = [session(session_id="s1", **found)]
        await world.stations.handle(a_claim(head=control("connect")))

    first, second = world.loads
    assert (first["replaced"], first["is_finished"], first["version"]) == (None, True, V201)
    assert (second["replaced"].id, second["is_finished"]) == ("s0", True)
    assert second["replaced"].remote_address == "another connection"
    assert (second["replaced"].channel, second["replaced"].server, second["address"]) == ("", "", "")


async def test_a_station_that_has_connected_once_more_keeps_the_claim_of_its_newer_session(
    world: Any,
) -> None:
    world.redis.replies["HGETALL"] = [session(session_id="s2", remote_addr="10.0.0.7", replaced_id="s1")]
    claim = a_claim(session_id="s2", channel="c", head=control("connect", "s1"))

    outcome = await world.stations.handle(claim)

    assert (claim.session_id, claim.channel, outcome.session_id) == ("s2", "c", "s1")
    assert (world.loads[0]["replaced"], world.loads[0]["address"]) == (None, "")


@pytest.mark.parametrize(("status", "settles"), [("Accepted", "+30000"), ("Pending", "+315360000000")])
async def test_only_an_accepted_station_gets_commands_before_its_first_message(
    world: Any, monkeypatch: pytest.MonkeyPatch, status: str, settles: str
) -> None:
    real = presence.load

    async def load(*arguments: Any, **more: Any) -> Station:
        station = await real(*arguments, **more)
        station.registration_status = status
        return station

    monkeypatch.setattr(presence, "load", load)
    world.redis.replies["HGETALL"] = [session(session_id="s1")]

    assert (await world.stations.handle(a_claim(head=control("connect")))).settles == settles


async def test_the_end_of_a_connection_is_stored_with_the_last_time_seen(world: Any) -> None:
    known = await world.load()

    outcome = await world.stations.handle(a_claim(head=control("disconnect", code=1006)))
    await world.stations.handle(a_claim(head=control("disconnect", code=1000)))

    last_seen = {"last_seen_at": known.station.last_seen_at}
    assert world.departed == [
        (1, "CP-1", "s1", {"close_code": 1006} | last_seen),
        (1, "CP-1", "s1", {"close_code": 1000}),
    ]
    assert outcome == Outcome() and len(world.stations) == 0 and world.dropped == [b"CP-1"] * 2


async def test_a_late_end_of_an_earlier_connection_changes_nothing(world: Any) -> None:
    await world.load(session="s1")

    outcome = await world.stations.handle(a_claim(head=control("disconnect", "s0", code=1006)))

    assert (outcome, world.departed, len(world.stations)) == (Outcome(), [], 1)


async def test_the_end_of_a_removed_station_is_stored_nowhere(world: Any) -> None:
    world.rows.clear()

    assert await world.stations.handle(a_claim(head=control("disconnect"))) == Outcome()
    assert world.departed == []


async def test_an_overflow_is_a_deviation_of_a_loaded_station(world: Any) -> None:
    assert await world.stations.handle(a_claim(head=control("overflow", reason="50 unread"))) == Outcome()
    known = await world.load()

    assert await world.stations.handle(a_claim(head=control("overflow", reason="50 unread"))) == Outcome()

    assert [(kind, one.detail) for (kind, _, _), one in known.station.deviations.items()] == [
        ("overflow", "50 unread")
    ]


@pytest.mark.parametrize("is_accepted", [True, False])
async def test_changed_settings_are_reloaded_and_an_accepted_station_is_asked_to_boot(
    world: Any, monkeypatch: pytest.MonkeyPatch, is_accepted: bool
) -> None:
    asked: list[int] = []

    async def ask(pk: int) -> None:
        asked.append(pk)

    async def changed() -> bool:
        return is_accepted

    monkeypatch.setattr(module, "ask_to_boot", ask)
    assert await world.stations.handle(a_claim(head=control("changed"))) == Outcome()
    known = await world.load()
    known.connection.changed = changed  # type: ignore[method-assign]

    outcome = await world.stations.handle(a_claim(head=control("changed")))

    # The trigger does not wait for a message of the station.
    assert outcome == (Outcome(known.session_id, settles="0") if is_accepted else Outcome())
    assert (asked, world.state.published) == ([1] if is_accepted else [], [known.station])


@pytest.mark.parametrize(("channel", "becomes"), [("", "process.2"), ("c", "c")])
async def test_a_newer_connection_elsewhere_learns_that_the_messages_are_stored(
    world: Any, monkeypatch: pytest.MonkeyPatch, channel: str, becomes: str
) -> None:
    confirmed: list[Any] = []

    async def finished(*arguments: str) -> None:
        confirmed.append((*arguments, len(world.stations)))

    monkeypatch.setattr(switchboard, "finished", finished)
    await world.load()
    claim = a_claim(channel=channel, head=control("replaced", message_id="r1", reply_to="process.2"))

    assert await world.stations.handle(claim) == Outcome()

    # From now on the frames of the replaced session are dropped.
    assert (claim.channel, claim.session_id) == (becomes, "")
    assert confirmed == [("r1", "process.2", 0)] and world.dropped == [b"CP-1"]
    await asyncio.sleep(0)


async def test_texts_and_versions_of_a_gateway_may_be_anything(world: Any) -> None:
    world.redis.replies["HGETALL"] = [[b"session_id", b"s1", b"remote_addr", b"\xff"]]

    await world.stations.handle(a_claim(head=control("connect", protocol="ocpp9")))

    assert (world.loads[0]["address"], world.loads[0]["version"]) == ("\ufffd", V16)


@pytest.mark.parametrize("dialect", [True, False])
async def test_a_station_at_a_legacy_gateway_gets_no_controls(world: Any, dialect: bool) -> None:
    legacy = Legacy(is_new=True)
    world.stations = Stations(world.redis, legacy)
    fields = {"session_id": "s1"} | ({"dialect": "1"} if dialect else {})
    world.redis.replies["HGETALL"] = [session(**fields)]

    await world.stations.handle(a_claim(head=control("connect", protocol=V16)))

    assert world.known().is_at_legacy_gateway is dialect
    assert legacy.stored == ([("CP-1", "s1", V16)] if dialect else [])


@pytest.mark.parametrize(("is_new", "settles"), [(True, "+30000"), (False, "")])
async def test_a_frame_of_a_legacy_gateway_loads_its_station_by_the_session_of_redis(
    world: Any, is_new: bool, settles: str
) -> None:
    legacy = Legacy(is_new)
    world.stations = Stations(world.redis, legacy)
    head = envelope.pack_frame('[2,"m1","Heartbeat",{}]', "CP-1", protocol=V201)

    outcome = await world.stations.handle(a_claim(head=head, attempts=2))

    assert world.known().is_at_legacy_gateway is True and outcome.settles == settles
    assert legacy.stored == [("CP-1", "legacy-1", V201)]
    assert world.handled == [("legacy-1", '[2,"m1","Heartbeat",{}]', True)]
    (load,) = world.loads
    assert (load["connection_id"], load.get("address")) == ("legacy-1", "10.0.0.9" if is_new else None)

    legacy.is_new = False
    await world.stations.handle(a_claim(head=head))
    assert len(world.loads) == 1 and [repeated for *_, repeated in world.handled] == [True, False]


async def test_a_frame_of_a_legacy_gateway_is_dropped_when_another_process_has_the_station(
    world: Any,
) -> None:
    world.stations = Stations(world.redis, Legacy(is_new=False))
    head = envelope.pack_frame('[2,"m1","Heartbeat",{}]', "CP-1", protocol=V201)
    await world.stations.handle(a_claim(head=head))

    assert await world.stations.handle(a_claim(head=head, channel="c")) == Outcome()
    assert len(world.stations) == 0 and len(world.handled) == 1
