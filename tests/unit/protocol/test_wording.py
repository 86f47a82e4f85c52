"""Sentences about broken rules: each rule in words, short, and without private values."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol import shapes, wording


def test_every_rule_of_a_schema_has_a_sentence_of_its_own() -> None:
    rules = (shapes.KEYWORDS - {"properties", "items"}) | {"additionalProperties"}

    assert rules == set(wording._SENTENCES)
    assert len({wording.sentence(rule, "5", 3) for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("type", "5 is not of type '3'"),
        ("enum", "5 is not one of the allowed values"),
        ("maxLength", "5 is longer than 3 characters"),
        ("minItems", "has fewer than 3 items"),
        ("required", "is required but missing"),
        ("oneOf", "5 breaks the rule 'oneOf'"),
    ],
)
def test_a_sentence_names_the_value_and_the_limit(rule: str, expected: str) -> None:
    assert wording.sentence(rule, "5", 3) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, "5"),
        (None, "null"),
        ("a", "'a'"),
        ({"a": 1}, "an object"),
        (["a"], "a list"),
        ("x" * 48, "'" + "x" * 48 + "'"),
        ("x" * 49, "'" + "x" * 46 + "..."),
        ("x" * 100_000, "'" + "x" * 46 + "..."),
        (10**49, "1" + "0" * 49),
        (10**50, "1" + "0" * 46 + "..."),
    ],
)
def test_a_value_is_shown_by_at_most_50_characters(value: Any, expected: str) -> None:
    assert wording.shown(value, is_hidden=False) == expected
    assert len(expected) <= 50


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", "the value"), (None, "the value"), ({}, "an object"), ([], "a list")],
)
def test_nothing_of_a_hidden_value_is_shown(value: Any, expected: str) -> None:
    assert wording.shown(value, is_hidden=True) == expected


@pytest.mark.parametrize(
    ("action", "names", "is_hidden"),
    [
        ("Authorize", ["idTag"], True),
        ("Authorize", ["idToken", "type"], True),
        ("NotifyEVChargingNeeds", ["evseId"], False),
        ("CustomerInformation", ["user"], True),
        ("MeterValues", ["meterValue", "sampledValue", "location"], True),
        ("MeterValues", ["meterValue", "sampledValue", "value"], False),
        ("NotifySettlement", ["receiptUrl"], True),
        ("X", ["uri"], True),
        ("X", ["urlOfNothing"], False),
        ("X", ["IDTAG"], True),
        ("X", ["customData", "anything"], True),
        ("X", ["password"], True),
        ("SetNetworkProfile", ["connectionData", "apn", "apnUserName"], True),
        ("SetNetworkProfile", ["connectionData", "messageTimeout"], False),
        ("ChangeConfiguration", ["value"], True),
        ("ChangeConfiguration", ["key"], False),
        ("NotifyCustomerInformation", ["data"], True),
        ("Heartbeat", ["value"], False),
        ("Heartbeat", [], False),
    ],
)
def test_tokens_addresses_and_secrets_are_hidden(action: str, names: list[str], is_hidden: bool) -> None:
    assert wording.is_hidden(iter(names), action) == is_hidden


def test_a_path_is_written_with_points_and_indexes() -> None:
    assert wording.path(["meterValue", 0, "sampledValue", 12, "value"]) == (
        "meterValue[0].sampledValue[12].value"
    )
    assert wording.path([]) == ""
