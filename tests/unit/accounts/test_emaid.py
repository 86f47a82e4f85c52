"""Contract ids (EMAID): the published vectors, and texts that are no contract id."""

from __future__ import annotations

import pytest

from accounts import emaid

ISO = (
    "NN123ABCDEFGHI T, FRXYZ123456789 2, ITA1B2C3E4F5G6 4, ESZU8WOX834H1D R, PT73902837ABCZ Z, "
    "DE83DUIEN83QGZ D, DE83DUIEN83ZGQ M, DE8AA001234567 0, NLTNM000122045 U, NLTNMC00122045 K"
)
DIN = "INTNM000071 9, INTNM000110 X, INTNM000124 0, INTNM000114 6, INTNM000191 5, NLTNM722345 8"
VECTORS = [pair.split() for pair in f"{ISO}, {DIN}".split(", ")]


@pytest.mark.parametrize(("body", "check"), VECTORS)
def test_the_published_check_characters(body: str, check: str) -> None:
    assert emaid.check_character(body) == check
    assert emaid.check_character(body.lower()) == check


@pytest.mark.parametrize(("body", "check"), VECTORS)
@pytest.mark.parametrize("separator", ["", "-", "*"])
def test_every_spelling_means_the_same(body: str, check: str, separator: str) -> None:
    spelled = separator.join((body[:2], body[2:5], body[5:], check))

    found = emaid.parse(f" {spelled.lower()} ")

    assert found is not None
    assert (found.country, found.provider, found.instance, found.check) == (
        body[:2],
        body[2:5],
        body[5:],
        check,
    )
    assert emaid.normalise(spelled) == body + check
    assert emaid.key(spelled) == body.lower()


@pytest.mark.parametrize(("body", "check"), VECTORS)
def test_a_wrong_check_character_is_no_emaid(body: str, check: str) -> None:
    wrong = [one for one in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if one != check]

    assert [emaid.parse(body + one) for one in wrong] == [None] * len(wrong)


def test_the_check_character_is_optional_for_iso_and_not_for_din() -> None:
    assert emaid.normalise("DE-8AA-001234567") == "DE8AA001234567"
    assert emaid.parse("NLTNM722345") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DE",
        "DE-8AA001234567",
        "DE8AA-001234567",
        "DE-8AA*001234567",
        "DE-8AA-0012345670",
        "D18AA001234567",
        "DE8AA00123456",
        "DE8AA00123456700",
        "DE٨AA001234567",
        "DE8AA00123456ß",
        "Company card 17",
    ],
)
def test_a_malformed_text_is_no_emaid(text: str) -> None:
    assert emaid.parse(text) is None
    assert emaid.normalise(text) == emaid.key(text) == ""


@pytest.mark.parametrize("body", ["", "DE8AA0012345", "DE8AA001234567X", "DE8AA00123456!", "DE8AA00123456Å"])
def test_a_malformed_body_has_no_check_character(body: str) -> None:
    with pytest.raises(ValueError, match="is not the body"):
        emaid.check_character(body)


def test_two_exchanged_neighbours_are_detected() -> None:
    for body, check in VECTORS[:10]:
        for place in range(13):
            swapped = body[:place] + body[place + 1] + body[place] + body[place + 2 :]
            assert swapped == body or emaid.check_character(swapped) != check


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("DE8AA0012345671", "0"),
        (" de8aa0012345671 ", "0"),
        ("\u00a0DE8AA0012345671", "0"),
        ("NLTNMC00122045A", "K"),  # the instance of eMI3 begins with C
        ("NN-123-ABCDEFGHI-X", "T"),
        ("NN*123*ABCDEFGHI*X", "T"),
        ("NL-TNM-722345-0", "8"),
        ("IN-TNM-000110-1", "X"),
        # A right one, none, or no eMAID.
        ("DE8AA0012345670", ""),
        ("NL-TNM-722345-8", ""),
        ("DE8AA001234567", ""),
        ("Company card 17", ""),
        # Any customer may have such a number.
        ("NN123ABCDEFGHIX", ""),
        ("NLTNM7223450", ""),
    ],
)
def test_a_wrong_check_character_is_corrected_where_the_text_can_only_be_an_emaid(
    text: str, right: str
) -> None:
    assert emaid.expected_check(text) == right


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("de-8aa-001234567", "DE8AA0012345670"),
        ("DE8AA0012345670", "DE8AA0012345670"),
        ("NL-TNM-722345-8", "NLTNM7223458"),
        ("DE8AA0012345671", None),
        ("Company card 17", None),
    ],
)
def test_a_check_character_that_was_left_out_is_added(text: str, whole: str | None) -> None:
    found = emaid.complete(text)

    assert (str(found) if found else None) == whole
    assert found is None or found.body + found.check == whole


@pytest.mark.parametrize("text", ["DE8AA001234567ß", "DE8AAı01234567", "DE8AA00123456ﬁ"])
def test_a_letter_that_is_ascii_only_in_capitals_is_no_emaid(text: str) -> None:
    assert emaid.parse(text) is None
    assert emaid.expected_check(text) == ""


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("DE8AA0012345670", "DE-8AA-001234567-0", True),
        ("DE8AA0012345670", "de8aa001234567", True),
        ("DE8AA0012345679", "DE8AA001234567", True),
        ("DE8AA0012345670", "DE8AA0012345679", False),
        ("DE8AA0012345670", "DE8AA001234568", False),
        ("CARD", "card", True),
        ("CARD1", "CARD", False),
        ("", "", False),
    ],
)
def test_a_contract_is_the_same_without_its_check_character(first: str, second: str, is_same: bool) -> None:
    assert emaid.is_same(first, second) is emaid.is_same(second, first) is is_same
