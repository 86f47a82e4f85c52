"""Amounts of money are exact decimal numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tariffs.services.tariff import amounts


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (18.15, "18.15"),
        (0, "0"),
        (-0.1, "-0.1"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0"),
        (0.0000015, "0.000002"),
        (Decimal("2.5"), "2.5"),
        (999_999_999_999.99, "999999999999.99"),
        (1000, "1000"),
    ],
)
def test_a_number_becomes_an_amount_with_six_decimals(value: object, found: str) -> None:
    amount = amounts.amount(value)

    assert amount is not None
    assert amount == Decimal(found)
    assert amount.as_tuple().exponent == -6
    assert amounts.text(amount) == found


@pytest.mark.parametrize(
    "value", [10**12, -(10**12), 1e300, float("inf"), float("nan"), True, "18.15", None, [1], 10**12 - 1e-9]
)
def test_other_values_are_no_amounts(value: object) -> None:
    assert amounts.amount(value) is None
    assert amounts.text(None) is None
