"""Outcomes in detail: reasons, limits of texts, numbers of results, and words of other actions."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.transport import outcomes
from ocpp_server.transport.command_store import State
from ocpp_server.transport.outcomes import Outcome, outcome


@pytest.mark.parametrize(
    ("info", "code", "text", "reason"),
    [
        ({"reasonCode": "A", "additionalInfo": "b"}, "A", "b", "A: b"),
        ({"reasonCode": "A"}, "A", "", "A"),
        ({"additionalInfo": "b"}, "", "b", "b"),
        ({"reasonCode": 5, "additionalInfo": 6}, "", "", ""),
        ({"reasonCode": "x" * 65, "additionalInfo": "y" * 1025}, "x" * 64, "y" * 1024, None),
        (None, "", "", ""),
        ("A", "", "", ""),
    ],
)
def test_the_reason_of_a_status(info: Any, code: str, text: str, reason: str | None) -> None:
    found = outcome("Reset", {"status": "Rejected", "statusInfo": info})

    assert (found.state, found.status, found.items) == (State.REJECTED, "Rejected", 0)
    assert (found.reason_code, found.additional_info) == (code, text)
    if reason is not None:
        assert found.reason == reason


def test_a_status_is_cut_to_its_column() -> None:
    long = "x" * 65

    assert outcome("Reset", {"status": long}).status == "x" * 64
    assert outcome("GetVariables", {"getVariableResult": [{"attributeStatus": long}]}).status == "x" * 64


@pytest.mark.parametrize(
    ("name", "key", "info"), [(name, key, info) for name, (key, info) in outcomes.RESULTS.items()]
)
def test_every_list_of_results_is_counted_and_explained(name: str, key: str, info: str) -> None:
    results = [
        {key: "Accepted", info: {"reasonCode": "fine"}},
        {key: "Rejected", info: {"reasonCode": "first"}},
        {key: "Rejected", info: {"reasonCode": "second"}},
    ]

    found = outcome("Any", {name: results})

    assert found == Outcome(State.PARTIAL, "Rejected", 3, 1, 2, "first", "")
    assert (found.share, found.is_success) == ("1 of 3", False)
    assert outcome("Any", {name: results[:1]}) == Outcome(State.ACCEPTED, "Accepted", 1, 1, 0, "fine", "")
    assert outcome("Any", {name: results[1:]}) == Outcome(State.REJECTED, "Rejected", 2, 0, 2, "first", "")
    assert outcome("Any", {name: []}) == Outcome(State.EMPTY)


def test_a_result_without_a_status_is_refused_and_no_object_is_no_result() -> None:
    found = outcome("GetVariables", {"getVariableResult": ["x", {}, {"attributeStatus": "Accepted"}]})

    assert found == Outcome(State.PARTIAL, "", 2, 1, 1)
    assert outcome("GetVariables", {"getVariableResult": ["x"]}) == Outcome(State.EMPTY)


def test_a_result_that_does_not_exist_explains_an_answer_without_a_refusal() -> None:
    results = [
        {"attributeStatus": "Accepted"},
        {"attributeStatus": "UnknownVariable", "attributeStatusInfo": {"reasonCode": "none"}},
    ]

    found = outcome("GetVariables", {"getVariableResult": results})

    assert found == Outcome(State.PARTIAL, "UnknownVariable", 2, 1, 0, "none", "")
    assert (found.is_success, found.share) == (True, "1 of 2")


@pytest.mark.parametrize(
    ("state", "is_success"),
    [
        (State.ACCEPTED, True),
        (State.EMPTY, True),
        (State.PARTIAL, True),
        (State.REJECTED, False),
        (State.ERROR, False),
        (State.TIMEOUT, False),
    ],
)
def test_only_an_answer_without_a_refusal_is_a_success(state: State, is_success: bool) -> None:
    assert Outcome(state).is_success is is_success
    assert Outcome(state, items=2, done=1).share == ("1 of 2" if state == State.PARTIAL else "")


def test_one_refused_result_is_no_success() -> None:
    assert not Outcome(State.PARTIAL, refused=1).is_success


@pytest.mark.parametrize("word", ["Ok", "Processing", "InstallScheduled", "DownloadScheduled", "Unlocked"])
def test_a_word_for_done_of_another_action_is_done(word: str) -> None:
    assert outcome("ClearCache", {"status": word}).state == State.ACCEPTED


@pytest.mark.parametrize("word", ["NotFound", "Failed", "accepted"])
def test_any_other_word_of_another_action_is_a_refusal(word: str) -> None:
    assert outcome("ClearCache", {"status": word}).state == State.REJECTED


@pytest.mark.parametrize("status", ["", None, 5])
def test_what_is_no_status_counts_as_an_answer_without_one(status: Any) -> None:
    assert outcome("Reset", {"status": status}) == Outcome(State.ACCEPTED)
    assert outcome("GetDiagnostics", {"status": status, "fileName": ""}) == Outcome(State.EMPTY)
