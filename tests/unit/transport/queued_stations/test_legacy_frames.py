"""Frames of legacy gateways: unknown stations that boot, and stations whose session or version changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from ocpp_server.protocol.versions import V16, V201
from ocpp_server.transport.handshake import admission, denial
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.station import Outcome
from ocpp_server.transport.queue.stations import Stations
from tests.unit.transport.queue_rules.redis_double import a_claim
from tests.unit.transport.queued_stations.world import Legacy

BOOT_16 = '[2,"m1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'
BOOT_201 = '[2,"m1","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"V","model":"M"}}]'
HEARTBEAT = '[2,"m1","Heartbeat",{}]'


@pytest.fixture
def legacy(world: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Legacy:
    """A legacy gateway, at which no station is known yet and any may boot."""
    settings.OCPP_UNKNOWN_STATIONS, settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = "accept", 100
    world.registered, world.recorded = [], []

    async def register(identity: str) -> Any:
        world.registered.append(identity)
        world.rows[identity] = SimpleNamespace(pk=1, identity=identity, ocpp_version="")
        return world.rows[identity]

    async def record(handshake: Any, refusal: Any) -> None:
        world.recorded.append((handshake, refusal))

    monkeypatch.setattr(admission, "register", register)
    monkeypatch.setattr(admission, "_unknown", DistinctPerMinute())
    monkeypatch.setattr(denial, "record", record)
    world.rows.clear()
    legacy = Legacy(is_new=False)
    world.stations = Stations(world.redis, legacy)
    return legacy


async def handle(world: Any, text: str, protocol: str = "", **more: Any) -> Outcome:
    head = envelope.pack_frame(text, "CP-1", protocol=protocol)
    return await world.stations.handle(a_claim(head=head, **more))  # type: ignore[no-any-return]


def answers(outcome: Outcome) -> list[Any]:
    return [orjson.loads(envelope.parse(answer).frame) for answer in outcome.answers]


# -- unknown stations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("boot", "version"), [(BOOT_16, V16), (BOOT_201, V201)])
async def test_the_boot_of_an_unknown_station_adds_it_and_is_handled_as_its_first_message(
    world: Any, legacy: Legacy, boot: str, version: str
) -> None:
    outcome = await handle(world, boot)

    assert world.registered == ["CP-1"] and world.recorded == []
    (load,) = world.loads
    assert (load["version"], load["connection_id"], load["address"]) == (version, "legacy-1", "10.0.0.9")
    assert world.handled == [("legacy-1", boot, False)]
    assert outcome.settles == "+30000"
    assert legacy.stored == [("CP-1", "legacy-1", version)]


@pytest.mark.parametrize(
    ("protocol", "version", "code"),
    [(V201, V201, "SecurityError"), ("", V16, "SecurityError"), ("ocpp9", V16, "SecurityError")],
)
async def test_everything_else_of_an_unknown_station_is_refused_and_shown_to_the_operator(
    world: Any, legacy: Legacy, protocol: str, version: str, code: str
) -> None:
    outcome = await handle(world, HEARTBEAT, protocol)

    assert answers(outcome)[0][:3] == [4, "m1", code]
    answer = envelope.parse(outcome.answers[0])
    assert (answer.charge_point_id, answer.session_id, answer.protocol) == ("CP-1", "legacy-1", version)
    assert (outcome.session_id, outcome.letter) == ("legacy-1", "")
    assert (world.registered, world.loads, world.handled) == ([], [], [])
    ((handshake, refusal),) = world.recorded
    assert (handshake.identity, handshake.address, handshake.is_tls) == ("CP-1", "10.0.0.9", False)
    assert "not Heartbeat" in refusal.reason and refusal.can_be_accepted


async def test_a_broken_boot_of_an_unknown_station_is_refused(world: Any, legacy: Legacy) -> None:
    outcome = await handle(world, '[2,"m1","BootNotification",{}]')

    assert answers(outcome)[0][:2] == [4, "m1"]
    assert world.registered == [] and len(world.recorded) == 1


async def test_unknown_stations_beyond_the_limit_are_dead_letters_but_only_once_in_a_minute(
    world: Any, legacy: Legacy, settings: Any
) -> None:
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 1
    outcomes = []
    for name in ("A", "B", "C"):
        head = envelope.pack_frame(BOOT_16, name)
        outcomes.append(await world.stations.handle(a_claim(name, head=head)))

    assert world.registered == ["A"]
    assert orjson.loads(outcomes[1].letter)["reason"] == "no such charge point"
    assert outcomes[1].answers == [] and outcomes[2] == Outcome()


async def test_an_unknown_station_is_a_dead_letter_where_none_may_boot(
    world: Any, legacy: Legacy, settings: Any
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "refuse"

    outcome = await handle(world, BOOT_16)

    assert orjson.loads(outcome.letter)["reason"] == "no such charge point"
    assert (outcome.answers, world.registered) == ([], [])


# -- known stations ------------------------------------------------------------------------------------


@pytest.fixture
def known(world: Any, legacy: Legacy) -> Legacy:
    """The station is known, with version 2.0.1."""
    world.rows["CP-1"] = SimpleNamespace(pk=1, identity="CP-1", ocpp_version=V201)
    return legacy


async def test_a_loaded_station_keeps_its_version_for_frames_that_do_not_show_it(
    world: Any, known: Legacy
) -> None:
    await handle(world, BOOT_201)
    await handle(world, HEARTBEAT)

    assert [load["version"] for load in world.loads] == [V201]
    assert known.stored == [("CP-1", "legacy-1", V201)]


async def test_a_station_in_a_new_session_is_loaded_again(world: Any, known: Legacy) -> None:
    await handle(world, HEARTBEAT)
    known.session_id = "legacy-2"
    await handle(world, HEARTBEAT)

    assert [load["connection_id"] for load in world.loads] == ["legacy-1", "legacy-2"]
    assert world.known().session_id == "legacy-2"


async def test_a_station_that_boots_with_another_version_arrives_again(world: Any, known: Legacy) -> None:
    await handle(world, HEARTBEAT)
    outcome = await handle(world, BOOT_16)

    assert [(load["version"], load.get("address")) for load in world.loads] == [
        (V201, None),
        (V16, "10.0.0.9"),
    ]
    assert known.stored[-1] == ("CP-1", "legacy-1", V16) and outcome.settles == ""


async def test_a_frame_with_a_session_is_not_of_a_legacy_gateway(world: Any, known: Legacy) -> None:
    head = envelope.pack_frame(HEARTBEAT, "CP-1", session_id="s1", protocol=V201)

    await world.stations.handle(a_claim(head=head))

    assert world.handled == [("s1", HEARTBEAT, False)] and known.stored == []
    assert not world.known().is_at_legacy_gateway
