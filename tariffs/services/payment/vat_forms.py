"""The forms of the VAT numbers of the European Union, without a look-up."""

from __future__ import annotations

import re
from typing import Final

# The part after the prefix, by prefix (VIES, "VAT number format"). EL is Greece, XI Northern Ireland.
# fmt: off
_FORMS: Final[dict[str, str]] = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z]\d{7}[0-9A-Z]|\d{8}[A-Z]",
    "FI": r"\d{8}",
    "FR": r"[0-9A-HJ-NP-Z]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[0-9A-Z+*]\d{5}[A-Z]|\d{7}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"\d{9}|\d{12}",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[0-9A-Z+*]{12}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"\d{9}|\d{12}|GD\d{3}|HA\d{3}",
}
# fmt: on
_COMPILED: Final = {prefix: re.compile(form, re.ASCII) for prefix, form in _FORMS.items()}
_SEPARATORS: Final = re.compile(r"[\s.\-/]")
_PREFIX: Final = 2
COUNTRIES: Final = frozenset(_FORMS)


def normal(number: str) -> str:
    """The number in capitals, without the separators that people write."""
    return _SEPARATORS.sub("", number).upper()


def has_known_country(number: str) -> bool:
    """Whether a normal number begins with the prefix of a country of the European Union."""
    return number[:_PREFIX] in COUNTRIES


def is_well_formed(number: str) -> bool:
    """Whether a normal number has the form of its country. It says nothing about whether it was issued."""
    form = _COMPILED.get(number[:_PREFIX])
    return form is not None and form.fullmatch(number[_PREFIX:]) is not None
