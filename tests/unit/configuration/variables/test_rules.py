"""The rules of values: one below, at and one above each limit, and the spelling that is stored."""

from __future__ import annotations

import pytest
from ocpp.v16.enums import Measurand, Phase

from configuration.services.variables import rules
from configuration.services.variables.rules import (
    MAX_WHOLE,
    authorization_key,
    boolean,
    listed,
    phase_rotation,
    text,
    whole,
)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("2", "2"),
        ("10", "10"),
        (" 5 ", "5"),
        ("0000000005", "5"),
        ("00000000005", None),
        ("1", None),
        ("11", None),
        ("-3", None),
        ("+5", None),
        ("5.0", None),
        ("", None),
    ],
)
def test_a_whole_number_has_limits(value: str, stored: str | None) -> None:
    assert whole(2, 10)(value) == stored


def test_a_whole_number_may_be_negative_and_has_32_bits() -> None:
    assert [whole(-5)(value) for value in ("-5", "-6")] == ["-5", None]
    assert [whole(0)(str(value)) for value in (MAX_WHOLE, MAX_WHOLE + 1)] == ["2147483647", None]


@pytest.mark.parametrize(
    ("value", "stored"), [("true", "true"), (" FALSE ", "false"), ("1", None), ("", None)]
)
def test_a_flag_is_a_word(value: str, stored: str | None) -> None:
    assert boolean(value) == stored


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("Aa", "Aa"),
        ("aA, BB ", "Aa,Bb"),
        ("", ""),
        (" ", ""),
        ("Aa,", None),
        ("Aa,Cc", None),
        ("Aa;Bb", None),
    ],
)
def test_a_list_has_words_in_their_own_spelling(value: str, stored: str | None) -> None:
    assert listed(["Aa", "Bb"])(value) == stored


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("", ""),
        (" ", ""),
        ("RST", "RST"),
        ("0.RST, 1.RTS", "0.RST,1.RTS"),
        ("Unknown", "Unknown"),
        ("2.NotApplicable", "2.NotApplicable"),
        ("99999.SRT", "99999.SRT"),
        ("100000.SRT", None),
        ("0.RST,1.XYZ", None),
        ("0.RST,", None),
        ("RSTR", None),
    ],
)
def test_a_phase_rotation_has_a_connector_and_an_order(value: str, stored: str | None) -> None:
    assert phase_rotation(value) == stored


def test_a_text_has_at_most_500_characters() -> None:
    assert (text("x" * 500), text("x" * 501), text("")) == ("x" * 500, None, "")


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ("ab" * 15, False),
        ("aB" * 16, True),
        ("09" * 20, True),
        ("ab" * 21, False),
        ("ab" * 16 + "a", False),
        ("g0" * 16, False),
    ],
)
def test_an_authorization_key_has_16_to_20_bytes(value: str, is_valid: bool) -> None:
    assert authorization_key(value) == (value if is_valid else None)


def test_the_measurands_are_those_of_16_alone_or_with_a_phase() -> None:
    alone = {one.value for one in Measurand}
    phases = {one.value for one in Phase}

    assert (set(rules._MEASURANDS), set(rules._PHASES)) == (alone, phases)
    assert alone | {f"{one}.{phase}" for one in alone for phase in phases} == rules.MEASURANDS


def test_the_feature_profiles_are_those_of_16() -> None:
    named = "Core FirmwareManagement LocalAuthListManagement Reservation SmartCharging RemoteTrigger"

    assert set(named.split()) == rules.PROFILES
