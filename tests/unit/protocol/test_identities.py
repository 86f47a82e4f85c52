"""The one rule for identities of stations."""

from __future__ import annotations

import pytest

from ocpp_server.protocol.identities import MAX_KNOWN, MAX_NEW, fault, fault_of_new


@pytest.mark.parametrize(
    "identity", ["A", "A" * MAX_NEW, "RDAM 123", "RDAM|123", "Ä-1", "*-_=+@.", "a%20b", "日本"]
)
def test_an_identity_of_printable_characters_is_possible(identity: str) -> None:
    assert (fault(identity), fault_of_new(identity)) == ("", "")


@pytest.mark.parametrize(
    "identity", ["", ".", "..", "a/b", "a\\b", "a:b", "a\nb", "a\0b", "\x7f", "a\ufffd", "A" * 256]
)
def test_no_station_has_an_identity_that_could_be_misread(identity: str) -> None:
    assert fault(identity).startswith("must ")
    assert fault_of_new(identity).startswith("must ")


@pytest.mark.parametrize(
    "identity", ["A" * (MAX_NEW + 1), "A" * MAX_KNOWN, " A", "A ", "a\u200bb", "a\u2028b"]
)
def test_a_station_of_before_the_rule_keeps_its_identity(identity: str) -> None:
    assert fault(identity) == ""
    assert fault_of_new(identity).startswith("must ")


def test_the_fault_says_what_is_allowed() -> None:
    assert fault_of_new("A" * 60) == "must have at most 48 characters"
    assert fault_of_new(" ").startswith("must not be blank")


@pytest.mark.parametrize(
    ("identity", "allowed"),
    [
        ("", "must not be empty"),
        (".", "must not be '.' or '..'"),
        ("..", "must not be '.' or '..'"),
        ("a/b", "must not contain '/', '\\', ':' or control characters"),
        ("A" * 256, "must have at most 255 characters"),
    ],
)
def test_the_fault_of_any_identity_names_the_rule(identity: str, allowed: str) -> None:
    assert fault(identity) == allowed


def test_the_fault_of_a_new_identity_names_its_own_rules_and_then_the_common_ones() -> None:
    assert fault_of_new("A" * 49) == "must have at most 48 characters"
    assert fault_of_new("a\u200bb") == "must have printable characters only"
    assert fault_of_new("..") == "must not be '.' or '..'"
    for identity in ("", " ", " A", "A "):
        assert fault_of_new(identity) == "must not be blank, and must not start or end with a space"
