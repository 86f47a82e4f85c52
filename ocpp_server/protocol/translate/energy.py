"""Energy in whole thousandths of a Wh, so that no binary rounding reaches a bill (decision 0080).

Names end in `_mwh`: milliwatt-hours, never megawatt-hours. The text of a reading becomes thousandths here,
once. The database, events and the API keep Wh: `wh_of` and `mwh_of` are the only ways there and back.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import overload

from .metering import MOST_DIGITS, MULTIPLIED, UNITS, scaled

# From Wh to thousandths: the power of ten, and a whole Wh.
_THOUSANDTHS = 3
WHOLE_WH = 1000
# A longer text is read slowly, but without a limit.
_USUAL_DIGITS = 18


@overload
def wh_of(mwh: int) -> float: ...


@overload
def wh_of(mwh: int | None) -> float | None: ...


def wh_of(mwh: int | None) -> float | None:
    """Thousandths as Wh, for columns, events and the API: the float nearest to the decimal number."""
    return None if mwh is None else mwh / 1000


@overload
def mwh_of(wh: float) -> int: ...


@overload
def mwh_of(wh: float | None) -> int | None: ...


def mwh_of(wh: float | None) -> int | None:
    """Wh as thousandths. Returns the number that `wh_of` was given, up to 4 TWh; other floats are rounded."""
    return None if wh is None else round(wh * 1000)


def register_mwh(raw: str, raw_unit: str, value: float) -> tuple[int, int]:
    """The energy in the text of a sample and the value of its last digit, both in thousandths of a Wh:
    400400 and 100 for "400.4" Wh. A text finer than a thousandth is rounded half to even.

    `raw`, `raw_unit` and `value` are those of a `Sample` with a value.
    """
    whole, _, decimals = raw.partition(".")
    digits = whole + decimals
    if digits.isdecimal() and len(digits) <= _USUAL_DIGITS:
        unit = _unit_of_digit(len(decimals), raw_unit)
        if unit:
            return int(digits) * unit, unit
    return _of_unusual_text(raw, raw_unit, value)


# A station may send any text as a unit: bound the cache.
@lru_cache(maxsize=1024)
def _unit_of_digit(decimals: int, raw_unit: str) -> int:
    """The thousandths of a Wh in the last of so many decimals; 0 for the texts of `_of_unusual_text`."""
    if MULTIPLIED.fullmatch(raw_unit):
        return 0
    exponent = _exponent(raw_unit) - decimals
    return 10**exponent if exponent >= 0 else 0  # equivalent: the other function has the same result


def _exponent(unit: str) -> int:
    """The power of ten from a unit to thousandths of a Wh. A unit that is no energy counts as Wh."""
    return UNITS.get(unit.lower(), ("", 0))[1] + _THOUSANDTHS


def _of_unusual_text(raw: str, raw_unit: str, value: float) -> tuple[int, int]:
    """A number with a sign, an exponent, a comma, blanks or very many digits, one that is finer than a
    thousandth of a Wh, or one with a multiplier.
    """
    exponent = _exponent(raw_unit)
    multiplied = MULTIPLIED.fullmatch(raw_unit)
    try:
        if multiplied is not None:
            # "Whe3" is a multiplier of 2.x, unless a station calls its unit so: the value tells.
            power = _exponent(multiplied[1]) + int(multiplied[2])
            if math.isclose(scaled(raw, power - _THOUSANDTHS), value, rel_tol=1e-9):
                exponent = power
        number = Decimal(raw.strip().replace(",", "."))
        rounded = number.quantize(Decimal((0, (1,), -exponent)), rounding=ROUND_HALF_EVEN)
        mwh, last_digit = int(rounded.scaleb(exponent)), number.as_tuple().exponent
        assert isinstance(last_digit, int)  # that of a finite number is one
        return mwh, 10 ** max(0, min(last_digit + exponent, MOST_DIGITS))
    except (ArithmeticError, ValueError):
        # No finite number, or an exponent beyond those of Decimal: "0e9999999999999999999".
        return mwh_of(value), WHOLE_WH
