"""The answers to a sequence of requests, put together; and the names of variables."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from configuration.commands.variables import CHANGE_CONFIGURATION, GET_CONFIGURATION, Reported, variable
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.configuration.commands.scripted import keys, variables


def sent(state: str, response: Any = None, *, action: str = "GetConfiguration", error: str = "") -> Command:
    return Command(id=state, action=action, state=state, response=response, error_code=error)


def reported(*commands: Command) -> Reported:
    found = Reported()
    for command in commands:
        found.take(command)
    return found


@pytest.mark.parametrize(
    ("state", "error", "is_aborted"),
    [
        ("queued", "", False),
        ("sent", "", False),
        ("accepted", "", False),
        ("partial", "", False),
        ("empty", "", False),
        ("rejected", "", False),
        ("invalid", "", False),
        ("error", "InternalError", False),
        ("error", "NotSupported", True),
        ("error", "NotImplemented", True),
        ("timeout", "", True),
        ("disconnected", "", True),
        ("late", "", True),
    ],
)
def test_a_sequence_ends_where_no_answer_is_to_be_expected(state: str, error: str, is_aborted: bool) -> None:
    assert reported(sent(state, error=error)).is_aborted == is_aborted


def test_the_command_of_an_answer_is_the_first_that_was_answered() -> None:
    assert reported(sent("error"), sent("accepted"), sent("empty")).command.id == "accepted"


def test_the_command_of_an_answer_is_the_one_that_ended_the_sequence() -> None:
    found = reported(sent("accepted"), sent("timeout"))

    assert (found.command.id, found.is_answered) == ("timeout", False)


def test_the_command_of_an_answer_is_the_first_where_none_was_answered() -> None:
    found = reported(sent("error"), sent("invalid"))

    assert (found.command.id, found.is_answered) == ("error", False)


@pytest.mark.parametrize(
    ("state", "action", "is_refused"),
    [
        ("rejected", "GetBaseReport", True),
        ("rejected", "GetVariables", False),
        ("rejected", "GetConfiguration", False),
        ("accepted", "GetBaseReport", False),
    ],
)
def test_only_a_request_as_a_whole_is_refused(state: str, action: str, is_refused: bool) -> None:
    assert reported(sent(state, action=action)).is_refused == is_refused


def test_keys_have_values_and_flags_and_may_lack_a_value() -> None:
    entries = [{"key": "A", "readonly": True, "value": "1"}, {"key": "B", "readonly": False}]

    found = reported(sent("accepted", {"configurationKey": entries, "unknownKey": ["X"]}))

    assert found.data == {
        "configuration": {"A": {"value": "1", "readonly": True}, "B": {"value": None, "readonly": False}},
        "unknownKeys": ["X"],
    }


def test_the_values_of_secrets_are_masked() -> None:
    found = reported(sent("accepted", keys("AuthorizationKey", "Model")))

    assert found.keys["Model"]["value"] == "Model"
    assert found.keys["AuthorizationKey"]["value"] != "AuthorizationKey"


def test_a_variable_may_lack_its_value_and_its_status() -> None:
    (result,) = variables("A")["getVariableResult"]
    del result["attributeValue"], result["attributeStatus"]

    found = reported(sent("accepted", {"getVariableResult": [result]}, action="GetVariables"))

    assert found.keys == {"C.A": {"value": None, "readonly": None, "status": ""}}


@pytest.mark.parametrize("state", ["sent", "error", "timeout"])
def test_a_response_counts_only_of_a_command_that_was_answered(state: str) -> None:
    found = reported(sent(state, keys("A", unknown=("B",))))

    assert (found.keys, found.unknown, found.data) == ({}, [], {})


def test_an_answer_without_any_key_is_an_empty_configuration() -> None:
    assert reported(sent("accepted", {})).data == {"configuration": {}}


def test_a_pending_report_has_no_data_yet() -> None:
    found = reported(sent("accepted", keys("A")))
    found.pending = "Wait."

    assert found.data == {}


def test_missing_keys_are_found_without_case_and_keep_their_spelling() -> None:
    found = reported(sent("accepted", keys("ALPHA", unknown=("beta",))))

    assert found.missing(["Alpha", "Beta", "Gamma"]) == ["Gamma"]


# -- variables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "component", "named"),
    [
        ("C.V", {"name": "C"}, {"name": "V"}),
        ("C[1].V", {"name": "C", "instance": "1"}, {"name": "V"}),
        ("C.V[x]", {"name": "C"}, {"name": "V", "instance": "x"}),
        ("C[a.b].V[c.d]", {"name": "C", "instance": "a.b"}, {"name": "V", "instance": "c.d"}),
        ("c" * 50 + "." + "v" * 50, {"name": "c" * 50}, {"name": "v" * 50}),
    ],
)
def test_a_key_names_a_component_and_a_variable(key: str, component: Any, named: Any) -> None:
    assert variable(key, "keys") == {"component": component, "variable": named}


@pytest.mark.parametrize("key", ["V", "C.", ".V", "C[].V", "A.B.C", "C.V[", "c" * 51 + ".V", "C." + "v" * 51])
def test_a_key_that_names_no_variable_is_an_error_of_its_field(key: str) -> None:
    with pytest.raises(Invalid) as refused:
        variable(key, "key")

    sentence = f"'{key}' must be Component.Variable or Component[instance].Variable."
    assert (refused.value.sentence, refused.value.errors[0]["field"]) == (sentence, "key")


def test_a_key_and_a_variable_are_set_in_the_words_of_their_version() -> None:
    given = {"key": "C.V", "value": "5"}

    assert CHANGE_CONFIGURATION.payload(V16, given) == given
    assert CHANGE_CONFIGURATION.payload(V21, given) == {
        "setVariableData": [
            {"component": {"name": "C"}, "variable": {"name": "V"}, "attributeValue": "5"},
        ]
    }
    with pytest.raises(Invalid) as refused:
        CHANGE_CONFIGURATION.payload(V201, {"key": "HeartbeatInterval", "value": "5"})
    assert refused.value.errors[0]["field"] == "key"


@pytest.mark.parametrize(
    ("version", "labels", "help"),
    [
        (V16, ("Keys", "Key"), ("read all keys", "A 1.6 key")),
        (V201, ("Variables", "Variable"), ("report of all variables", "OCPPCommCtrlr.HeartbeatInterval")),
    ],
)
def test_the_fields_ask_for_keys_or_variables(
    version: str, labels: tuple[str, str], help: tuple[str, str]
) -> None:
    row = ChargePoint(ocpp_version=version)
    shown = [GET_CONFIGURATION.fields_at(row)[0], CHANGE_CONFIGURATION.fields_at(row)[0]]

    assert tuple(str(field.label) for field in shown) == labels
    assert all(text in str(field.help) for field, text in zip(shown, help, strict=True))
