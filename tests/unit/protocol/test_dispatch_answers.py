"""The path of a station's answer to a call of the server: check, @reply handler, commit."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ocpp_server.protocol import dispatch
from ocpp_server.protocol.dispatch import Answer, CommitRefused, StorageUnavailable
from ocpp_server.protocol.errors import FormatViolation, OccurrenceConstraintViolation
from ocpp_server.protocol.frames import BrokenAnswer, CallError, CallResult
from ocpp_server.protocol.registry import Registry
from ocpp_server.protocol.session import OutgoingCall
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.protocol.parties import Party, Work

ACCEPTED = CallResult("c-1", '{"status":"Accepted"}')


def masked(text: str) -> str:
    return text.replace("hunter2", "***")


def answer(frame: CallResult | CallError | BrokenAnswer, action: str = "Reset") -> Answer:
    return Answer(OutgoingCall("c-1", action, {"type": "Soft"}), frame, masked)


def run(station: Party, message: Answer, work: Work) -> None:
    asyncio.run(dispatch.dispatch_answer(station, message, work))


class Reply:
    """A @reply handler that keeps its arguments, and raises what it is given, one for each run."""

    def __init__(self, *failures: BaseException | None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._failures = list(failures)

    async def __call__(self, *arguments: Any) -> None:
        self.calls.append(arguments)
        if self._failures and (failure := self._failures.pop(0)) is not None:
            raise failure


def replying(monkeypatch: pytest.MonkeyPatch, *failures: BaseException | None) -> Reply:
    handler, handlers = Reply(*failures), Registry()
    handlers.reply("Reset", V16)(handler)
    monkeypatch.setattr(dispatch, "registry", handlers)
    return handler


def test_the_handler_gets_the_call_and_its_answer_and_the_commit_ends_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply, station, work = replying(monkeypatch), Party(V16), Work()
    message = answer(ACCEPTED)

    run(station, message, work)

    assert reply.calls == [(station, {"type": "Soft"}, {"status": "Accepted"}, "c-1")]
    assert (message.response, message.error) == ({"status": "Accepted"}, None)
    assert (work.steps, station.deviations) == (["commit"], [])


def failing(monkeypatch: pytest.MonkeyPatch, *failures: BaseException | None) -> Reply:
    handler, handlers = Reply(*failures), Registry()
    handlers.failed("Reset", V16)(handler)
    monkeypatch.setattr(dispatch, "registry", handlers)
    return handler


def test_the_handler_of_errors_gets_the_code_of_an_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    failed, station, work = failing(monkeypatch), Party(V16), Work()

    run(station, answer(ACCEPTED), work)
    run(station, answer(CallError("c-1", "NotSupported", "No.", {})), work)

    assert failed.calls == [(station, {"type": "Soft"}, "NotSupported")]
    assert work.steps == ["commit", "commit"]


def test_a_failing_handler_of_errors_is_rolled_back_and_the_call_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed, work = failing(monkeypatch, RuntimeError("no")), Work()

    run(Party(V16), answer(CallError("c-1", "NotSupported", "No.", {})), work)

    assert (len(failed.calls), work.steps) == (1, ["roll_back", "commit"])


@pytest.mark.parametrize("version", [V16, V201])
def test_without_a_handler_the_call_ends_as_well(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    replying(monkeypatch)
    work = Work()

    run(Party(version), answer(CallResult("c-1", "{}"), "ClearCache"), work)

    assert work.steps == ["commit"]


def test_an_error_of_the_station_ends_the_call_without_its_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    reply, station, work = replying(monkeypatch), Party(V16), Work()
    message = answer(CallError("c-1", "NotSupported"))

    run(station, message, work)

    assert (reply.calls, work.steps, station.deviations) == ([], ["commit"], [])
    assert (message.response, message.error) == (None, None)


def test_an_error_code_that_the_version_does_not_have_is_counted_masked_and_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replying(monkeypatch)
    station = Party(V16)
    code = "hunter2" + "x" * 94

    run(station, answer(CallError("c-1", code)), Work())
    run(station, answer(CallError("c-1", "FormatViolation")), Work())

    assert station.deviations == [
        ("unknown-error-code", "***" + "x" * 93, ""),
        ("unknown-error-code", "FormatViolation", ""),
    ]


def test_tolerated_deviations_of_an_answer_are_counted_masked_and_with_their_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replying(monkeypatch)
    station = Party(V16)
    message = answer(CallResult("c-1", '{"status":"hunter2"}'))

    run(station, message, Work())

    assert message.response == {"status": "hunter2"}
    assert station.deviations == [("unknown-value", "'***' is not one of the allowed values", "status")]


def test_a_strict_station_gets_no_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = replying(monkeypatch)
    message = answer(CallResult("c-1", '{"status":"Accepted","more":1}'))

    run(Party(V16, strict=True), message, Work())

    assert isinstance(message.error, FormatViolation)
    assert reply.calls == []


def test_an_invalid_answer_is_counted_and_ends_the_call_without_its_handler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply, station, work = replying(monkeypatch), Party(V16), Work()
    message = answer(CallResult("c-1", "{}"))

    run(station, message, work)

    assert isinstance(message.error, OccurrenceConstraintViolation)
    assert message.response is None
    assert (reply.calls, work.steps) == ([], ["commit"])
    assert station.deviations == [("invalid-answer", "status: is required but missing", "")]


def test_the_fault_of_an_invalid_answer_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch)
    station = Party(V16, strict=True)

    run(station, answer(CallResult("c-1", '{"status":"hunter2"}')), Work())

    assert station.deviations == [("invalid-answer", "status: '***' is not one of the allowed values", "")]


def test_an_answer_that_is_not_json_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    reply, station, work = replying(monkeypatch), Party(V16), Work()
    message = answer(BrokenAnswer("c-1", '[3,"c-1",{', "not valid JSON", 3))

    run(station, message, work)

    assert isinstance(message.error, FormatViolation)
    assert station.deviations == [("invalid-answer", "The answer is not valid JSON.", "")]
    assert (reply.calls, work.steps) == ([], ["commit"])


def test_repairs_of_the_frame_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch)
    station = Party(V16)

    run(station, answer(CallResult("c-1", "null", ("unstorable-text",)), "SendLocalList"), Work())

    kinds = [kind for kind, _, _ in station.deviations]
    assert kinds == ["unstorable-text", "null-payload", "invalid-answer"]


def test_a_failed_handler_is_rolled_back_and_the_call_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch, ValueError("a fault of the handler"))
    work = Work()

    run(Party(V16), answer(ACCEPTED), work)

    assert work.steps == ["roll_back", "commit"]


@pytest.mark.parametrize(
    ("refused", "runs", "steps"),
    [
        (1, 2, ["commit", "roll_back", "commit"]),
        (2, 2, ["commit", "roll_back", "commit", "roll_back", "commit"]),
    ],
)
def test_after_a_refused_commit_the_handler_runs_once_more(
    monkeypatch: pytest.MonkeyPatch, refused: int, runs: int, steps: list[str]
) -> None:
    reply, work = replying(monkeypatch), Work(refused=refused)

    run(Party(V16), answer(ACCEPTED), work)

    assert (len(reply.calls), work.steps) == (runs, steps)


def test_a_third_refusal_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch)

    with pytest.raises(CommitRefused):
        run(Party(V16), answer(ACCEPTED), Work(refused=3))


def test_a_row_that_is_refused_within_the_handler_counts_as_a_refused_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply, work = replying(monkeypatch, CommitRefused(), None), Work()

    run(Party(V16), answer(ACCEPTED), work)

    assert (len(reply.calls), work.steps) == (2, ["roll_back", "commit"])


def test_without_storage_nothing_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch, StorageUnavailable())
    work = Work()

    with pytest.raises(StorageUnavailable):
        run(Party(V16), answer(ACCEPTED), work)

    assert work.steps == []


def test_the_commit_gets_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    replying(monkeypatch)
    steps: list[Any] = []
    message = answer(ACCEPTED)

    run(Party(V16), message, Work(steps, refused=2))

    assert steps == [("commit", message)] * 3


# --- the refusal of an answer, since 2.1


def test_an_invalid_answer_is_refused_in_2_1_only() -> None:
    message = answer(CallResult("c-1", "{}"))
    message.error = FormatViolation("No.")

    assert json.loads(str(dispatch.refusal(message, V21))) == [5, "c-1", "FormatViolation", "No.", {}]
    assert dispatch.refusal(message, V16) is None
    assert dispatch.refusal(message, V201) is None


def test_a_valid_answer_is_not_refused() -> None:
    assert dispatch.refusal(answer(ACCEPTED), V21) is None


@pytest.mark.parametrize(("kind", "is_refused"), [(3, True), (4, False)])
def test_of_the_answers_that_are_not_json_only_a_result_is_refused(kind: int, is_refused: bool) -> None:
    message = answer(BrokenAnswer("c-1", "[", "not valid JSON", kind))
    message.error = FormatViolation("No.")

    assert (dispatch.refusal(message, V21) is not None) == is_refused


def test_reasons_are_given_to_the_handler_without_the_secrets_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler, handlers = Reply(), Registry()
    handlers.reply("SetVariables", V201)(handler)
    monkeypatch.setattr(dispatch, "registry", handlers)
    result = {
        "attributeStatus": "Rejected",
        "component": {"name": "hunter2"},
        "variable": {"name": "V"},
        "attributeStatusInfo": {"reasonCode": "Bad", "additionalInfo": "hunter2 is short"},
    }
    text = json.dumps({"setVariableResult": [result]})

    run(Party(V201), answer(CallResult("c-1", text), "SetVariables"), Work())

    ((_, _, response, _),) = handler.calls
    (given,) = response["setVariableResult"]
    assert given["attributeStatusInfo"] == {"reasonCode": "Bad", "additionalInfo": "*** is short"}
    assert given["component"] == {"name": "hunter2"}


def test_the_code_of_an_error_is_given_without_the_secrets_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = failing(monkeypatch)

    run(Party(V16), answer(CallError("c-1", "No hunter2", "", {})), Work())

    assert failed.calls[0][-1] == "No ***"
