"""Answers to CSMS calls are processed like requests: validated, handled, committed, retried once."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import dispatch as dispatching
from ocpp_server.protocol.dispatch import Answer, CommitRefused, dispatch_answer, give_up, refusal
from ocpp_server.protocol.errors import InternalError
from ocpp_server.protocol.frames import Call, CallError, CallResult
from ocpp_server.protocol.session import OutgoingCall
from ocpp_server.protocol.versions import V16, V21


class Station:
    """The attributes that dispatch reads of a station, and the deviations that it notes."""

    identity, strict, is_accepted = "CP-7", False, True
    request: dict[str, Any] = {}

    def __init__(self, version: Any = V16) -> None:
        self.version = version
        self.deviations: list[str] = []

    def deviation(self, kind: str, detail: str = "", *, path: str = "") -> None:
        self.deviations.append(kind)


class Work:
    """A unit of work that records its calls; the first `refusals` commits are refused."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.steps: list[str] = []

    async def commit(self, answer: Answer, /) -> None:
        self.steps.append("commit")
        if self.refusals:
            self.refusals -= 1
            raise CommitRefused("a row is refused")

    async def roll_back(self) -> None:
        self.steps.append("roll back")


def answer_to(payload: str = '{"status":"Accepted"}') -> Answer:
    return Answer(OutgoingCall("c1", "Reset", {"type": "Soft"}), CallResult("c1", payload), str)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Register a @reply handler; the list of its arguments. It raises an exception that is in the list."""
    got: list[Any] = []

    async def reply(station: Any, payload: Any, response: Any, command_id: str) -> None:
        if got and isinstance(got[-1], Exception):
            raise got.pop()
        got.append(response)

    monkeypatch.setattr(dispatching.registry, "reply_handler", lambda version, action: reply)
    return got


async def test_an_answer_is_handled_and_committed_once(handler: list[Any]) -> None:
    work, answer = Work(), answer_to()

    await dispatch_answer(Station(), answer, work)

    assert (handler, work.steps) == ([{"status": "Accepted"}], ["commit"])
    assert answer.response == {"status": "Accepted"}


async def test_a_refused_commit_is_retried_once(handler: list[Any]) -> None:
    work, station = Work(refusals=1), Station()

    await dispatch_answer(station, answer_to('{"status":"Accepted","odd":1}'), work)

    assert len(handler) == 2
    assert work.steps == ["commit", "roll back", "commit"]
    assert len(station.deviations) == 1, "the deviation is counted once"


async def test_a_commit_that_is_refused_twice_ends_the_call_without_its_effects(handler: list[Any]) -> None:
    work = Work(refusals=2)

    await dispatch_answer(Station(), answer_to(), work)

    assert len(handler) == 2
    assert work.steps == ["commit", "roll back", "commit", "roll back", "commit"]


async def test_a_failing_handler_is_rolled_back_and_the_call_ends(handler: list[Any]) -> None:
    handler.append(ValueError("a bug"))
    work = Work()

    await dispatch_answer(Station(), answer_to(), work)

    assert work.steps == ["roll back", "commit"]


@pytest.mark.parametrize("version", [V16, V21])
async def test_an_invalid_answer_is_refused_where_the_version_has_a_frame_for_it(
    handler: list[Any], version: Any
) -> None:
    work, station, answer = Work(), Station(version), answer_to("[]")

    await dispatch_answer(station, answer, work)

    assert (handler, work.steps, station.deviations) == ([], ["commit"], ["invalid-answer"])
    assert answer.error is not None
    text = refusal(answer, version)
    assert text is None if version == V16 else text is not None and text.startswith('[5,"c1",')


async def test_an_error_of_the_station_reaches_no_handler(handler: list[Any]) -> None:
    work = Work()
    answer = Answer(OutgoingCall("c1", "Reset", {}), CallError("c1", "InternalError"), str)

    await dispatch_answer(Station(), answer, work)

    assert (handler, work.steps, answer.response, answer.error) == ([], ["commit"], None, None)
    assert refusal(answer, V21) is None


def test_a_dead_letter_gets_its_stored_answer_or_an_error() -> None:
    start = Call(id="m1", action="StartTransaction", payload="")

    answered = give_up(start, V16, {"transactionId": 7, "idTagInfo": {"status": "Invalid"}})
    refused = give_up(Call(id="m2", action="Heartbeat", payload=""), V16, None)

    assert answered == '[3,"m1",{"transactionId":7,"idTagInfo":{"status":"Invalid"}}]'
    assert refused.startswith(f'[4,"m2","{InternalError().code_for(V16)}"')
