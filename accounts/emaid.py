"""Contract ids of electromobility: the eMAID of ISO 15118-1 and eMI3, and the older DIN 91286.

ISO 15118-1 has country (2 letters), provider (3), instance (9) and an optional check character; eMI3 lets
the instance start with C; DIN 91286 has an instance of 6 and always a check character. Separators are in
all places or in none. This module is pure: no Django, no database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

_CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ISO_LENGTH: Final = 14
_DIN_LENGTH: Final = 11
_JOINED: Final = re.compile(r"([A-Z]{2})([A-Z0-9]{3})(?:([A-Z0-9]{9})([A-Z0-9]?)|([A-Z0-9]{6})([0-9X]))")
_SEPARATED: Final = re.compile(
    r"([A-Z]{2})([-*])([A-Z0-9]{3})\2(?:([A-Z0-9]{9})(?:\2([A-Z0-9]))?|([A-Z0-9]{6})\2([0-9X]))"
)
_PLAIN: Final = re.compile(r"[0-9C]")


@dataclass(frozen=True, slots=True)
class Emaid:
    """A contract id in its parts, upper-case. `check` is the given check character, or empty."""

    country: str
    provider: str
    instance: str
    check: str = ""

    @property
    def body(self) -> str:
        """Everything but the check character."""
        return self.country + self.provider + self.instance

    def __str__(self) -> str:
        return self.body + self.check


def parse(text: str) -> Emaid | None:
    """The parts of a contract id, or None when it is not an eMAID or its check character is wrong."""
    found = _shaped(text)
    if found is None or (found.check and found.check != check_character(found.body)):
        return None
    return found


def complete(text: str) -> Emaid | None:
    """The parts of an eMAID, with the check character also where it was left out."""
    found = parse(text)
    return None if found is None else replace(found, check=found.check or check_character(found.body))


def expected_check(text: str) -> str:
    """The check character that this text should have, if it is an eMAID with a wrong one; else empty.

    Without separators a text of this length may be any number of a customer: it counts as an eMAID of ISO
    15118-1 whose instance begins with a digit or, as in eMI3, with C.
    """
    found = _shaped(text)
    if found is None or not found.check:
        return ""
    is_joined = text.strip().isalnum()
    if is_joined and (len(found.body) == _DIN_LENGTH or not _PLAIN.match(found.instance)):
        return ""
    right = check_character(found.body)
    return "" if right == found.check else right


def _shaped(text: str) -> Emaid | None:
    """The parts of a text in the shape of an eMAID, whatever its check character."""
    stripped = text.strip()
    if not stripped.isascii():  # in capitals, ß and ı are ASCII letters
        return None
    upper = stripped.upper()
    if match := _JOINED.fullmatch(upper):
        country, provider, *instances = match.groups(default="")
    elif match := _SEPARATED.fullmatch(upper):
        country, _, provider, *instances = match.groups(default="")
    else:
        return None
    return Emaid(country, provider, instances[0] or instances[2], instances[1] or instances[3])


def normalise(text: str) -> str:
    """The eMAID without separators and in capitals, or an empty text when it is not an eMAID."""
    return str(parse(text) or "")


def key(text: str) -> str:
    """The eMAID without its check character, which is the same for every spelling; empty for other texts."""
    found = parse(text)
    return found.body.casefold() if found else ""


def comparable(text: str) -> str:
    """The text that all spellings of one eMAID share, in small letters; empty for other texts.

    A right check character is left out. A wrong one stays: contracts of test systems often have one.
    Without separators only the 15 characters of ISO 15118-1 count, because a shorter text may be any number.
    """
    found = _shaped(text)
    if found is None or (text.strip().isalnum() and len(found.body) == _DIN_LENGTH):
        return ""
    is_right = found.check == check_character(found.body)
    return (found.body if is_right else str(found)).casefold()


def is_same(first: str, second: str) -> bool:
    """Whether two texts are the same contract id, with or without separators and check character."""
    texts = [re.sub(r"[-*\s]", "", text).casefold() for text in (first, second)]
    if not all(texts):
        return False
    short, long = sorted(texts, key=len)
    return short == long or (len(short) == _ISO_LENGTH and long[:-1] == short)


def check_character(body: str) -> str:
    """The check character of an eMAID without one: 14 characters for ISO 15118-1 and eMI3, 11 for DIN 91286.

    Raises ValueError for another length or character.
    """
    text = body.upper()
    if len(text) not in (_ISO_LENGTH, _DIN_LENGTH) or any(one not in _CHARACTERS for one in text):
        raise ValueError(f"{body!r} is not the body of an eMAID")
    return _din_check(text) if len(text) == _DIN_LENGTH else _iso_check(text)


def _iso_check(body: str) -> str:
    """eMI3 part 2: each character stands for two bits and two trits; place n is multiplied with the n-th
    power of a matrix, [[0, 1], [1, 1]] modulo 2 and [[0, 1], [1, 2]] modulo 3; the check character, at place
    15, makes both sums zero. The check detects every wrong character and every swap of neighbours.
    """
    bits, trits = (0, 0), (0, 0)
    for character in body:
        value = _CHARACTERS.index(character)
        # Solved for place 15: one multiplication with the inverse, [[1, 1], [1, 0]] in both fields, per step.
        first, second = bits[0] + value // 18, bits[1] + value // 9 % 2
        bits = ((first + second) % 2, first % 2)
        first, second = trits[0] + value // 3 % 3, trits[1] + value % 3
        trits = ((first + second) % 3, first % 3)
    return _CHARACTERS[bits[0] * 18 + bits[1] * 9 + -trits[0] % 3 * 3 + -trits[1] % 3]


def _din_check(body: str) -> str:
    """DIN 91286: the decimal digits of the characters (A is 10), weighted by powers of 2, modulo 11; X is
    10.
    """
    digits = "".join(str(_CHARACTERS.index(character)) for character in body)
    remainder = sum(int(digit) << place for place, digit in enumerate(digits)) % 11
    return "X" if remainder == 10 else str(remainder)
