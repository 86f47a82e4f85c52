"""The meaning of every status word of every version, and of answers with several results."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from ocpp_server.protocol import actions, schemas
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.transport import outcomes
from ocpp_server.transport.command_store import State


def statuses() -> Iterator[tuple[str, str, str]]:
    """Each action of the server, the path of a status in its answers, and a word of its enum."""
    for version in VERSIONS:
        for action in actions.to_station(version):
            if schemas.has(version, action, "response"):
                schema = schemas.message_schema(version, action, "response")
                for path, words in _enums(schema, schema, ""):
                    if path.lower().endswith("status"):
                        yield from ((action, path, word) for word in words)


def _enums(node: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[tuple[str, list[str]]]:
    if "$ref" in node:
        node = root["definitions"][node["$ref"].rsplit("/", 1)[-1]]
    if "enum" in node:
        yield path, node["enum"]
    for name, inner in node.get("properties", {}).items():
        yield from _enums(inner, root, f"{path}.{name}".lstrip("."))
    if isinstance(node.get("items"), dict):
        yield from _enums(node["items"], root, f"{path}[]")


STATUSES = sorted(set(statuses()))


def test_every_word_of_every_action_is_decided_once_and_no_other() -> None:
    published: dict[str, set[str]] = {}
    for action, _path, word in STATUSES:
        published.setdefault(action, set()).add(word)

    decided = {action: sorted(chain(*outcomes.words_of(action))) for action in outcomes.TABLE}
    plain = {"Accepted", "Rejected"}

    # An action without a row has no other words: a new word in a schema asks for a decision here.
    assert {action for action, words in published.items() if words != plain} <= decided.keys()
    without_row = {outcomes.words_of(action) for action in published.keys() - decided.keys()}
    assert without_row == {(frozenset({"Accepted"}), frozenset(), frozenset({"Rejected"}))}
    assert decided == {action: sorted(published[action]) for action in decided}


def test_every_list_of_results_with_a_status_is_read() -> None:
    lists = {path for _action, path, _word in STATUSES if "[]" in path}

    assert lists == {f"{name}[].{key}" for name, (key, _info) in outcomes.RESULTS.items()}


@pytest.mark.parametrize(
    ("action", "word", "state"),
    [
        ("Reset", "Scheduled", State.ACCEPTED),
        ("ChangeConfiguration", "RebootRequired", State.ACCEPTED),
        ("UnpublishFirmware", "Unpublished", State.ACCEPTED),
        ("GetLog", "AcceptedCanceled", State.ACCEPTED),
        ("GetReport", "EmptyResultSet", State.EMPTY),
        ("ClearChargingProfile", "Unknown", State.EMPTY),
        ("DeleteCertificate", "NotFound", State.EMPTY),
        ("SetDERControl", "NotFound", State.REJECTED),
        ("SendLocalList", "VersionMismatch", State.REJECTED),
        ("CancelReservation", "Rejected", State.REJECTED),
        # A word of the action's own column, and one of an action without a row.
        ("CustomerInformation", "Accepted", State.ACCEPTED),
        ("ClearCache", "Accepted", State.ACCEPTED),
        ("ClearCache", "Rejected", State.REJECTED),
        # Words of other actions and of later steps.
        *(("Reset", word, State.ACCEPTED) for word in ("Unlocked", "Unpublished", "AcceptedCanceled")),
        *(("Reset", word, State.ACCEPTED) for word in ("Ok", "Processing")),
        *(("Reset", word, State.ACCEPTED) for word in ("InstallScheduled", "DownloadScheduled")),
        ("Reset", "NotFound", State.REJECTED),
        # No word of the schema.
        ("UnlockConnector", "Accepted", State.ACCEPTED),
        ("Reset", "Maybe", State.REJECTED),
    ],
)
def test_the_state_of_a_word(action: str, word: str, state: State) -> None:
    assert outcomes.state_and_status(action, {"status": word}) == (state, word)


def results(*words: str) -> dict[str, Any]:
    return {"getVariableResult": [{"attributeStatus": word} for word in words]}


@pytest.mark.parametrize(
    ("words", "state", "status", "count", "is_success"),
    [
        (["Accepted", "Accepted"], State.ACCEPTED, "Accepted", "", True),
        (["Accepted", "UnknownVariable"], State.PARTIAL, "UnknownVariable", "1 of 2", True),
        (["UnknownVariable", "Accepted", "Rejected"], State.PARTIAL, "Rejected", "1 of 3", False),
        (["UnknownVariable", "UnknownComponent"], State.EMPTY, "UnknownVariable", "", True),
        (["UnknownVariable", "Rejected"], State.REJECTED, "Rejected", "", False),
    ],
)
def test_an_answer_with_several_results(
    words: list[str], state: State, status: str, count: str, is_success: bool
) -> None:
    found = outcomes.outcome("GetVariables", results(*words))

    assert (found.state, found.status, found.share, found.is_success) == (state, status, count, is_success)


def test_the_reason_is_that_of_the_answer_or_of_the_refused_item() -> None:
    info = {"reasonCode": "FwUpdateInProgress", "additionalInfo": "Try again at noon."}

    whole = outcomes.outcome("Reset", {"status": "Rejected", "statusInfo": info})
    item = outcomes.outcome(
        "SetVariables",
        {
            "setVariableResult": [
                {"attributeStatus": "Accepted"},
                {"attributeStatus": "Rejected", "attributeStatusInfo": info},
            ]
        },
    )

    assert whole.reason == item.reason == "FwUpdateInProgress: Try again at noon."
    assert outcomes.outcome("Reset", {"status": "Rejected", "statusInfo": "no object"}).reason == ""


def test_diagnostics_without_a_file_name_is_nothing_to_send() -> None:
    assert outcomes.outcome("GetDiagnostics", {}).state == State.EMPTY
    assert outcomes.outcome("GetDiagnostics", {"fileName": "log.zip"}).state == State.ACCEPTED
    # A GetLog without a file name is usual: LogStatusNotification follows.
    assert outcomes.outcome("GetLog", {"status": "Accepted"}).state == State.ACCEPTED


@pytest.mark.parametrize("unreadable", [[], ["text"], [None, 1]])
def test_an_answer_without_a_readable_result_is_no_result(unreadable: list[Any]) -> None:
    assert outcomes.outcome("GetVariables", {"getVariableResult": unreadable}) == (
        State.EMPTY,
        "",
        0,
        0,
        0,
        "",
        "",
    )


@pytest.mark.parametrize("response", [{}, {"listVersion": 3}, {"status": 5}])
def test_an_answer_without_a_status_is_accepted(response: dict[str, Any]) -> None:
    assert outcomes.outcome("GetLocalListVersion", response).state == State.ACCEPTED


@pytest.mark.parametrize(
    ("status", "info", "found"),
    [
        ("Rejected" + "x" * 60, None, ("Rejected" + "x" * 56, "", "")),
        (
            "Rejected",
            {"reasonCode": "c" * 65, "additionalInfo": "t" * 1025},
            ("Rejected", "c" * 64, "t" * 1024),
        ),
        ("Rejected", {"reasonCode": 1, "additionalInfo": ["a"]}, ("Rejected", "", "")),
        ("Rejected", {"additionalInfo": "text alone"}, ("Rejected", "", "text alone")),
        ("Rejected", {"reasonCode": "Code"}, ("Rejected", "Code", "")),
    ],
)
def test_texts_of_a_station_are_cut_to_their_columns(status: str, info: Any, found: tuple[str, ...]) -> None:
    one = outcomes.outcome("Reset", {"status": status, "statusInfo": info})
    listed = {"attributeStatus": status, "attributeStatusInfo": info}
    several = outcomes.outcome("SetVariables", {"setVariableResult": [listed]})

    assert (one.status, one.reason_code, one.additional_info) == found
    assert (several.status, several.reason_code, several.additional_info) == found
    assert one.reason == several.reason == ": ".join(filter(None, found[1:]))


def test_results_are_counted_and_one_answer_counts_none() -> None:
    several = outcomes.outcome("GetVariables", results("Accepted", "Rejected", "Accepted", "UnknownVariable"))

    assert (several.items, several.done, several.refused) == (4, 2, 1)
    for response in ({"status": "Accepted"}, {}, {"getVariableResult": []}):
        assert outcomes.outcome("GetVariables", response)[2:5] == (0, 0, 0)


@pytest.mark.parametrize(
    ("action", "name", "key", "info"),
    [
        ("SetVariables", "setVariableResult", "attributeStatus", "attributeStatusInfo"),
        ("GetVariables", "getVariableResult", "attributeStatus", "attributeStatusInfo"),
        ("SetVariableMonitoring", "setMonitoringResult", "status", "statusInfo"),
        ("ClearVariableMonitoring", "clearMonitoringResult", "status", "statusInfo"),
        ("ClearTariffs", "clearTariffsResult", "status", "statusInfo"),
    ],
)
def test_each_result_has_its_status_and_its_reason(action: str, name: str, key: str, info: str) -> None:
    accepted, refused = {key: "Accepted"}, {key: "Rejected", info: {"reasonCode": "Busy"}}

    found = outcomes.outcome(action, {name: [accepted, refused]})

    assert found == (State.PARTIAL, "Rejected", 2, 1, 1, "Busy", "")


@pytest.mark.parametrize("name", outcomes.RESULTS)
def test_a_result_without_a_status_is_refused_and_what_is_no_object_is_no_result(name: str) -> None:
    assert outcomes.outcome("GetVariables", {name: [{}, "text"]})[:5] == (State.REJECTED, "", 1, 0, 1)
    assert outcomes.outcome("GetVariables", {name: "text"}).state == State.ACCEPTED


def test_an_empty_status_is_no_status() -> None:
    assert outcomes.outcome("GetDiagnostics", {"status": ""}).state == State.EMPTY
    assert outcomes.outcome("GetVariables", {"status": "", **results("Rejected")}).state == State.REJECTED


def test_an_action_without_a_row_has_two_words() -> None:
    assert outcomes.words_of("ClearCache") == ({"Accepted"}, set(), {"Rejected"})


def test_only_commands_with_a_result_of_their_own_succeed() -> None:
    assert {State.ACCEPTED, State.EMPTY} == outcomes.SUCCESSES
    assert {State.ACCEPTED, State.PARTIAL, State.EMPTY, State.REJECTED} == outcomes.ANSWERED
