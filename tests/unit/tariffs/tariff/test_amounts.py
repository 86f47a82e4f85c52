"""Amounts of money are exact decimal numbers."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal, localcontext

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


def test_an_amount_that_rounds_up_to_too_many_digits_is_none() -> None:
    assert amounts.amount(Decimal("999999999999.9999994")) == Decimal("999999999999.999999")
    assert amounts.amount(Decimal("999999999999.9999995")) is None
    assert amounts.amount(Decimal("-999999999999.9999995")) is None


def test_an_amount_does_not_depend_on_the_thread_s_context() -> None:
    with localcontext(prec=6, rounding=ROUND_UP):
        assert amounts.amount(123456789.0000011) == Decimal("123456789.000001")


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1000", "1000"), ("0.10", "0.1"), ("0.000000", "0"), ("1E+3", "1000"), ("-20.50", "-20.5")],
)
def test_only_zeros_behind_the_point_are_left_out(amount: str, text: str) -> None:
    assert amounts.text(Decimal(amount)) == text
