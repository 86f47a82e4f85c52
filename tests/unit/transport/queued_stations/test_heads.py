"""The head of a queue: frames, unreadable texts, removed stations."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ocpp_server.transport.queue import dead_letters
from ocpp_server.transport.queue.claims import Claim
from ocpp_server.transport.queue.station import Outcome
from tests.unit.transport.queue_rules.redis_double import a_claim
from tests.unit.transport.queued_stations.world import control, frame


@pytest.mark.parametrize(("attempts", "is_given_up"), [(5, False), (6, True)])
async def test_a_head_is_given_up_after_five_attempts(
    world: Any, monkeypatch: pytest.MonkeyPatch, attempts: int, is_given_up: bool
) -> None:
    async def give_up(claim: Claim) -> Outcome:
        return Outcome(letter="given up")

    monkeypatch.setattr(dead_letters, "give_up_head", give_up)

    outcome = await world.stations.handle(a_claim(attempts=attempts, head=frame()))

    assert (outcome.letter == "given up") is is_given_up
    assert len(world.handled) == (0 if is_given_up else 1)


async def test_an_unreadable_head_becomes_a_dead_letter_at_once(world: Any) -> None:
    outcome = await world.stations.handle(a_claim(head=b"no json"))

    assert orjson.loads(outcome.letter)["reason"].startswith("unreadable: ")
    assert (outcome.answers, outcome.ends, world.handled) == ([], "", [])


async def test_an_unknown_control_is_removed(world: Any) -> None:
    assert await world.stations.handle(a_claim(head=control("of-a-later-release"))) == Outcome()


@pytest.mark.parametrize(
    ("channel", "session", "is_handled"),
    [("", "s1", True), ("", "old", True), ("c", "s1", True), ("c", "old", False)],
)
async def test_a_frame_of_an_old_session_is_dropped_when_another_process_has_the_station(
    world: Any, channel: str, session: str, is_handled: bool
) -> None:
    await world.load()
    world.handled.clear()

    outcome = await world.stations.handle(a_claim(channel=channel, session_id="s1", head=frame(session)))

    assert (len(world.handled) == 1) is is_handled
    if not is_handled:
        assert outcome == Outcome() and len(world.stations) == 0


@pytest.mark.parametrize(
    ("has_legacy", "unknown", "is_letter"),
    [(False, "accept", True), (True, "accept", False), (True, "ask", False), (True, "refuse", True)],
)
async def test_a_station_that_was_removed_is_a_dead_letter_unless_it_may_still_boot(
    world: Any, settings: Any, has_legacy: bool, unknown: str, is_letter: bool
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = unknown
    world.rows.clear()
    world.stations._legacy = object() if has_legacy else None

    connected = await world.stations.handle(a_claim(head=control("connect")))
    framed = await world.stations.handle(a_claim(head=frame()))

    assert [bool(connected.letter), bool(framed.letter)] == [is_letter, True]
    assert (world.loads, world.handled) == ([], [])
