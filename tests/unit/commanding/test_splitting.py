"""A command with more items than a station takes in one message: its parts, and their answers as one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ocpp_server import splitting
from ocpp_server.domain import Conflict
from ocpp_server.protocol import actions, schemas
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.splitting import Limits, joined, split
from ocpp_server.transport import outcomes
from ocpp_server.transport.command_store import State


def variables(count: int) -> list[dict[str, Any]]:
    return [{"component": {"name": "C"}, "variable": {"name": f"V{n}"}} for n in range(count)]


def test_five_items_are_sent_as_two_two_and_one_with_the_other_fields() -> None:
    payload = {"getVariableData": variables(5), "customData": {"vendorId": "v"}}

    parts = split("GetVariables", payload, Limits(items=2))

    items = payload["getVariableData"]
    assert [part["getVariableData"] for part in parts] == [items[:2], items[2:4], items[4:]]  # type: ignore[index]
    assert all(part["customData"] == {"vendorId": "v"} for part in parts)


@pytest.mark.parametrize(
    ("payload", "limits"),
    [
        ({"getVariableData": variables(3)}, Limits()),
        ({"getVariableData": variables(3)}, Limits(items=3, bytes=10_000)),
        ({"getVariableData": variables(1)}, Limits(items=1, bytes=1)),
        ({"getVariableData": "no list"}, Limits(items=1)),
        ({}, Limits(items=1)),
    ],
)
def test_what_is_within_the_limits_is_sent_as_it_is(payload: dict[str, Any], limits: Limits) -> None:
    assert split("GetVariables", payload, limits) == [payload]


def test_no_frame_is_larger_than_the_bytes_that_the_station_takes() -> None:
    payload = {"getVariableData": variables(40)}

    parts = split("GetVariables", payload, Limits(bytes=400))

    frames = [orjson.dumps([2, "x" * 36, "GetVariables", part]) for part in parts]
    assert max(map(len, frames)) <= 400
    assert [item for part in parts for item in part["getVariableData"]] == payload["getVariableData"]


def test_an_item_that_is_larger_than_a_message_is_sent_alone() -> None:
    parts = split("GetVariables", {"getVariableData": variables(3)}, Limits(bytes=10))

    assert [len(part["getVariableData"]) for part in parts] == [1, 1, 1]


@pytest.mark.parametrize(
    ("action", "items"), [("SendLocalList", "localAuthorizationList"), ("GetReport", "componentVariable")]
)
def test_what_can_not_be_split_is_a_conflict_with_the_limit(action: str, items: str) -> None:
    with pytest.raises(Conflict) as refusal:
        split(action, {items: [{}, {}, {}]}, Limits(items=2))

    assert refusal.value.data == {"limit": 2}
    assert f"at most 2 items of {items}" in refusal.value.sentence


def test_a_request_leads_to_a_limited_number_of_calls() -> None:
    with pytest.raises(Conflict, match="at most 100"):
        split("GetVariables", {"getVariableData": variables(101)}, Limits(items=1))


def test_the_answers_are_one_answer_of_the_same_shape() -> None:
    known, unknown = {"key": "A", "readonly": False}, "B"

    whole = joined("GetConfiguration", [{"configurationKey": [known]}, {}, {"unknownKey": [unknown]}])

    assert whole == {"configurationKey": [known], "unknownKey": [unknown]}


def test_the_whole_has_the_state_of_all_parts() -> None:
    answers = [{"setVariableResult": [{"attributeStatus": word}]} for word in ("Accepted", "Rejected")]

    found = outcomes.outcome("SetVariables", joined("SetVariables", answers))

    assert (found.state, found.share) == (State.PARTIAL, "1 of 2")


def test_the_lists_of_the_rules_are_in_the_schemas() -> None:
    for action, rule in splitting.RULES.items():
        for version in VERSIONS:
            if action in actions.to_station(version):
                request = schemas.message_schema(version, action, "request")["properties"]
                response = schemas.message_schema(version, action, "response")["properties"]
                assert request[rule.items]["type"] == "array"
                assert all(response[name]["type"] == "array" for name in rule.results)
