"""Amounts of money from JSON numbers, as exact decimal numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from tariffs.models.money import DIGITS, PLACES

_SMALLEST: Final = Decimal(1).scaleb(-PLACES)
_LARGEST: Final = Decimal(10) ** (DIGITS - PLACES)
_EXACT: Final = Context(prec=DIGITS + PLACES, rounding=ROUND_HALF_EVEN)


def amount(value: object) -> Decimal | None:
    """The amount of a JSON number, with six decimals at most; None for what no column can store.

    The shortest text of a float has the digits that the station wrote, up to 15 of them.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    found = Decimal(str(value))
    if not found.is_finite() or abs(found) >= _LARGEST:
        return None
    rounded = found.quantize(_SMALLEST, context=_EXACT)
    return rounded if abs(rounded) < _LARGEST else None


def text(value: Decimal | None) -> str | None:
    """An amount without trailing zeros, such as 18.15; None stays None."""
    if value is None:
        return None
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
