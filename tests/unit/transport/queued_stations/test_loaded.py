"""The stations that a processor has loaded, and until when they are current."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol.frames import Call
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.transport import presence, station_store
from ocpp_server.transport.queue import stations as module
from ocpp_server.transport.switchboard import switchboard
from tests.unit.transport.queue_rules.redis_double import a_claim
from tests.unit.transport.queued_stations.world import frame, session


async def test_a_station_is_loaded_once_for_the_frames_of_a_session(world: Any) -> None:
    known = await world.load(a_claim(settles_at="0"))
    await world.load(a_claim(attempts=2))

    assert world.loads == [{"pk": 1, "version": V16, "connection_id": "s1"}]
    text = '[2,"m1","Heartbeat",{}]'
    assert world.handled == [("s1", text, False), ("s1", text, True)]
    assert known.station.in_doubt and known._is_settled and known.epoch == 7
    assert switchboard.at_gateways == {"s1": known.connection} and world.state.served == ["+CP-1"]


async def test_a_station_of_another_session_is_loaded_again_and_is_not_settled(world: Any) -> None:
    await world.load()
    known = await world.load(a_claim(session_id="s2", settles_at="5"), session="s2")

    assert [load["connection_id"] for load in world.loads] == ["s1", "s2"]
    assert list(switchboard.at_gateways) == ["s2"] and not known._is_settled
    assert world.state.served == ["+CP-1", "-CP-1", "+CP-1"] and len(world.stations) == 1


async def test_a_loaded_station_has_the_name_of_the_certificate_of_its_session(world: Any) -> None:
    names = []
    for stored in ("s1", "s2"):
        fields = session(session_id=stored, certificate_name="SN-1")
        world.redis.replies["HGETALL"] = [fields]
        names.append((await world.load()).station.certificate_name)
        world.stations.forget(b"CP-1")

    # Another session is one of another connection.
    assert names == ["SN-1", ""]


async def test_a_frame_without_a_session_belongs_to_the_current_one(world: Any) -> None:
    await world.load(a_claim(session_id="s9"), session="")

    assert [load["connection_id"] for load in world.loads] == ["s9"]


@pytest.mark.parametrize(("protocol", "version"), [("", V201), ("ocpp9", V16), (V16, V16)])
async def test_the_version_is_that_of_the_envelope_else_of_the_row_else_1_6(
    world: Any, protocol: str, version: str
) -> None:
    await world.stations.handle(a_claim(head=frame(protocol=protocol)))

    assert world.loads[0]["version"] == version


@pytest.mark.parametrize(("epoch", "is_kept"), [(8, True), (7, False), (9, False), (6, False)])
async def test_a_loaded_station_is_current_when_no_other_processor_has_claimed_it(
    world: Any, epoch: int, is_kept: bool
) -> None:
    known = await world.load(a_claim(epoch=7))

    world.stations.claimed(a_claim(epoch=epoch))
    world.stations.claimed(a_claim("CP-9", epoch=epoch))

    assert (len(world.stations) == 1) is is_kept
    assert known.epoch == (8 if is_kept else 7)


async def test_stations_that_another_processor_has_claimed_are_forgotten(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    for name in ("same", "higher", "lower", "gone", "working"):
        world.rows[name] = SimpleNamespace(pk=1, identity=name, ocpp_version=V16)
        await world.load(a_claim(name))
    world.redis.replies["HMGET"] = [[b"7", b"8"], [b"6", None]]

    await world.stations.forget_old({b"working"})

    assert sorted(world.stations._known) == [b"same", b"working"]
    epoch = world.redis.keys.epoch
    assert world.redis.of("HMGET") == [(epoch, b"same", b"higher"), (epoch, b"lower", b"gone")]


async def test_a_station_that_is_forgotten_while_redis_is_asked_stays_forgotten(world: Any) -> None:
    await world.load()

    def reply(*_: Any) -> list[bytes]:
        world.stations.forget(b"CP-1")
        return [b"9"]

    world.redis.replies["HMGET"] = [reply]
    await world.stations.forget_old(set())

    assert world.state.served == ["+CP-1", "-CP-1"]


async def test_the_station_that_was_loaded_first_is_forgotten_beyond_20000(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (module.MAX_KNOWN, module.MAX_ATTEMPTS, module._AT_ONCE) == (20_000, 5, 500)
    monkeypatch.setattr(module, "MAX_KNOWN", 2)

    for name in "abc":
        world.rows[name] = world.rows["CP-1"]
        await world.load(a_claim(name))

    assert list(world.stations._known) == [b"b", b"c"]


@pytest.mark.parametrize("is_away", [False, True])
async def test_deviations_of_a_forgotten_station_are_stored_once(
    world: Any, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    stored: list[Any] = []

    async def run(function: Any, counted: Any, at: Any) -> None:
        assert function == station_store.port.app.add_deviations and at.tzinfo is not None
        stored.extend(counted)
        if is_away:
            raise JournalUnavailable

    monkeypatch.setattr(journal, "run", run)
    known = await world.load()
    known.station.deviation("late-answer")

    await world.stations.forget_all()
    await world.stations.forget_all()

    ((pk, counted),) = stored
    assert (pk, [kind for kind, _, _ in counted], known.station.deviations) == (1, ["late-answer"], {})
    assert not world.stations._tasks and len(world.stations) == 0


async def test_answers_in_memory_are_forgotten_because_another_process_may_have_given_newer_ones(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Call(id="m1", action="Authorize", payload="{}")
    station = Station(pk=1, identity="CP-1", version=V16)
    station.memory.remember(call, "[3]", 1, 0.0)

    async def load_connected(*_: Any, **__: Any) -> Station:
        return station

    monkeypatch.setattr(presence, "load_connected", load_connected)
    await world.load()

    assert station.memory.find(call, 0.0) is None
