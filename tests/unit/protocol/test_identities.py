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
