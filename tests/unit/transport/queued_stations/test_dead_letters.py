"""Messages that are given up after several attempts: the letter, and the answer to the station."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from ocpp_server.protocol.schemas import PayloadInvalid
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import journal
from ocpp_server.transport import quarantine
from ocpp_server.transport.queue import dead_letters, envelope
from ocpp_server.transport.queue.station import Outcome
from tests.unit.transport.queue_rules.redis_double import a_claim
from tests.unit.transport.queued_stations.world import control

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
STOP = '[2,"m1","StopTransaction",{"transactionId":7}]'
STATUS = '[2,"m1","StatusNotification",{"connectorId":0}]'


@pytest.fixture
def kept(world: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The messages that are stored for an operator."""
    found: list[Any] = []

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def answer_given_up(action: str) -> dict[str, Any]:
        return {"idTagInfo": {"status": "Accepted"}} if action == "StopTransaction" else {}

    app = SimpleNamespace(
        keep_given_up=lambda *arguments: found.append(arguments), answer_given_up=answer_given_up
    )
    monkeypatch.setattr(quarantine.port, "app", app)
    monkeypatch.setattr(journal, "run", run)
    return found


def head(text: str, *, session: str = "s1", protocol: str = V16, at: datetime | None = AT) -> bytes:
    return envelope.pack_frame(text, "CP-1", session_id=session, protocol=protocol, at=at)


async def give_up(text: str, **more: Any) -> Outcome:
    return await dead_letters.give_up_head(a_claim(attempts=6, head=head(text, **more)))


def letter(outcome: Outcome) -> dict[str, Any]:
    return dict(orjson.loads(outcome.letter))


def answers(outcome: Outcome) -> list[Any]:
    return [orjson.loads(envelope.parse(answer).frame) for answer in outcome.answers]


def test_a_letter_has_the_message_the_reason_and_the_time() -> None:
    found = orjson.loads(dead_letters.letter(a_claim(attempts=6, head=b"text"), "why"))

    at = datetime.strptime(found.pop("at"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert found == {"charge_point_id": "CP-1", "reason": "why", "attempts": 6, "envelope": "text"}


def test_a_letter_has_milliseconds_and_at_most_500_characters_of_the_reason() -> None:
    found = orjson.loads(dead_letters.letter(a_claim(head=b"\xff"), "x" * 501))

    assert (len(found["at"]), found["reason"], found["envelope"]) == (24, "x" * 500, "\ufffd")


def test_a_letter_has_no_secrets() -> None:
    text = '[2,"m1","DataTransfer",{"vendorId":"V","password":"k-9f27c1d4"}]'

    assert "k-9f27c1d4" not in dead_letters.letter(a_claim(head=head(text)), "why")


async def test_a_message_that_is_given_up_is_answered_with_an_internal_error(
    world: Any, kept: list[Any]
) -> None:
    outcome = await give_up(STATUS)

    assert letter(outcome)["reason"] == "5 attempts failed"
    assert outcome.session_id == "s1" and kept == []
    ((kind, message_id, code, *_),) = answers(outcome)
    assert (kind, message_id, code) == (4, "m1", "InternalError")
    packed = envelope.parse(outcome.answers[0])
    assert (packed.charge_point_id, packed.session_id, packed.protocol) == ("CP-1", "s1", V16)


async def test_a_message_about_a_transaction_is_kept_and_answered_as_if_it_was_stored(
    world: Any, kept: list[Any]
) -> None:
    outcome = await give_up(STOP)

    assert kept == [(1, "StopTransaction", '{"transactionId":7}', "It could not be handled.", AT)]
    assert answers(outcome) == [[3, "m1", {"idTagInfo": {"status": "Accepted"}}]]
    assert outcome.letter


async def test_the_answer_to_a_kept_message_is_checked_like_any_other(
    world: Any, kept: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer_given_up(action: str) -> dict[str, Any]:
        return {"idTagInfo": 5}

    monkeypatch.setattr(quarantine.port.app, "answer_given_up", answer_given_up)

    with pytest.raises(PayloadInvalid):
        await give_up(STOP)


async def test_a_kept_message_without_a_time_was_received_now(world: Any, kept: list[Any]) -> None:
    claim = a_claim(attempts=6, head=head(STOP).replace(b'"timestamp"', b'"other"'))

    await dead_letters.give_up_head(claim)

    ((*_, received_at),) = kept
    assert abs(datetime.now(UTC) - received_at) < timedelta(minutes=1)


async def test_a_broken_message_about_a_transaction_is_kept_whole(world: Any, kept: list[Any]) -> None:
    text = '[2,"m1","StopTransaction",{"transactionId":'

    outcome = await give_up(text)

    assert [row[1:3] for row in kept] == [("StopTransaction", text)]
    assert answers(outcome)[0][:2] == [3, "m1"]


async def test_a_message_of_a_removed_station_is_answered_and_kept_only_as_a_letter(
    world: Any, kept: list[Any]
) -> None:
    world.rows.clear()

    outcome = await give_up(STOP)

    assert answers(outcome)[0][0] == 3 and outcome.letter
    assert kept == []


@pytest.mark.parametrize(("protocol", "version"), [(V201, V201), ("", V16), ("ocpp9", V16)])
async def test_the_answer_has_the_version_of_the_envelope_else_1_6(
    world: Any, kept: list[Any], protocol: str, version: str
) -> None:
    (answer,) = (await give_up(STATUS, protocol=protocol)).answers

    assert envelope.parse(answer).protocol == version


async def test_a_message_without_a_session_is_answered_in_the_current_one(
    world: Any, kept: list[Any]
) -> None:
    outcome = await give_up(STATUS, session="")

    assert outcome.session_id == envelope.parse(outcome.answers[0]).session_id == "s1"


@pytest.mark.parametrize("text", ['[3,"m1",{}]', '[2,7,"StatusNotification",{}]', "no frame"])
async def test_only_a_request_with_a_message_id_is_answered(world: Any, kept: list[Any], text: str) -> None:
    outcome = await give_up(text)

    assert (outcome.answers, kept, outcome.session_id) == ([], [], "s1")
    assert outcome.letter


async def test_a_request_without_an_action_is_answered(world: Any, kept: list[Any]) -> None:
    assert answers(await give_up('[2,"m1",7,{}]'))[0][:3] == [4, "m1", "InternalError"]


@pytest.mark.parametrize("text", [b"no envelope", control("connect")])
async def test_what_is_no_frame_is_only_a_letter(world: Any, kept: list[Any], text: bytes) -> None:
    outcome = await dead_letters.give_up_head(a_claim(attempts=6, head=text))

    assert letter(outcome)["reason"] == "5 attempts failed"
    assert (outcome.answers, outcome.session_id, kept) == ([], "", [])
