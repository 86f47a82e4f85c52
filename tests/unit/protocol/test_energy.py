"""Energy in thousandths of a Wh: from the text of a sample, and from and to Wh."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_server.protocol.translate.energy import mwh_of, register_mwh, wh_of
from ocpp_server.protocol.translate.metering import Sample, samples_2x, samples_16


def sample_16(value: str, unit: str = "") -> Sample:
    (sample,) = samples_16([{"timestamp": "", "sampledValue": [{"value": value, "unit": unit}]}])
    return sample


def sample_2x(value: float, unit: str, multiplier: int | None = None) -> Sample:
    measure: dict[str, Any] = {"unit": unit} | ({} if multiplier is None else {"multiplier": multiplier})
    (sample,) = samples_2x([{"timestamp": "", "sampledValue": [{"value": value, "unitOfMeasure": measure}]}])
    return sample


def read(sample: Sample) -> tuple[int, int]:
    assert sample.value is not None
    return register_mwh(sample.raw, sample.raw_unit, sample.value)


@pytest.mark.parametrize(
    ("raw", "unit", "expected"),
    [
        ("400", "Wh", (400_000, 1000)),
        ("400.4", "Wh", (400_400, 100)),
        ("400.40", "wh", (400_400, 10)),
        ("400.4", "", (400_400, 100)),
        ("400.4", "anything", (400_400, 100)),
        (".5", "Wh", (500, 100)),
        ("5.", "Wh", (5000, 1000)),
        ("12.35", "kWh", (12_350_000, 10_000)),
        ("12", "KWH", (12_000_000, 1_000_000)),
        ("0.001", "kWh", (1000, 1000)),
        ("0.000001", "kWh", (1, 1)),
        ("0.10003", "kWh", (100_030, 10)),
        ("250", "mA", (250, 1)),
        ("999999999999999.999", "Wh", (999_999_999_999_999_999, 1)),
        ("1000000000000000", "Wh", (10**18, 1000)),
        # texts that are no plain digits
        ("-12.5", "Wh", (-12_500, 100)),
        ("-0.0", "Wh", (0, 100)),
        ("+5", "Wh", (5000, 1000)),
        ("12,5", "Wh", (12_500, 100)),
        (" 12,55 ", "Wh", (12_550, 10)),
        ("1,5", "kWh", (1_500_000, 100_000)),
        ("1e3", "Wh", (1_000_000, 1_000_000)),
        ("1.5e3", "Wh", (1_500_000, 100_000)),
        ("1.5E-3", "kWh", (1500, 100)),
        # finer than a thousandth of a Wh: half to even, once
        ("0.0004", "Wh", (0, 1)),
        ("0.0005", "Wh", (0, 1)),
        ("0.0015", "Wh", (2, 1)),
        ("0.0025", "Wh", (2, 1)),
        ("0.00050000000000000000000000000000000000001", "Wh", (1, 1)),
        ("0.0000015", "kWh", (2, 1)),
        ("12.3456789", "kWh", (12_345_679, 1)),
        # of any length
        ("0" * 400 + "5", "Wh", (5000, 1000)),
        ("0" * 60_000 + "5", "kWh", (5_000_000, 1_000_000)),
        ("1." + "3" * 400, "Wh", (1333, 1)),
        ("0e400", "Wh", (0, 10**30)),
        ("1e-400", "Wh", (0, 1)),
        ("0e99999999999999999999", "Wh", (0, 1000)),
        ("1e-99999999999999999999", "Wh", (0, 1000)),
    ],
)
def test_the_energy_and_its_last_digit_in_a_text_of_1_6(
    raw: str, unit: str, expected: tuple[int, int]
) -> None:
    assert read(sample_16(raw, unit)) == expected


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "expected"),
    [
        (1234, "Wh", None, (1_234_000, 1000)),
        (1234.5, "Wh", 0, (1_234_500, 100)),
        (0.1, "kWh", None, (100_000, 100_000)),
        (0.23962, "kWh", None, (239_620, 10)),
        (1e-07, "kWh", None, (0, 1)),
        (12.5, "Wh", 3, (12_500_000, 100_000)),
        (12.5, "kWh", 1, (125_000_000, 1_000_000)),
        (12.5, "kWh", -3, (12_500, 100)),
        (12, "", 2, (1_200_000, 100_000)),
        (5, "Wh", -30, (0, 1)),
        (0, "Wh", 30, (0, 10**30)),
        (12, "x" * 90, 3, (12_000_000, 1_000_000)),
        # A station calls its unit so: it is no multiplier.
        (12, "Whe3", None, (12_000, 1000)),
        (12, "Whe3", 1, (120_000, 10_000)),
    ],
)
def test_the_energy_and_its_last_digit_in_a_number_of_2x(
    value: float, unit: str, multiplier: int | None, expected: tuple[int, int]
) -> None:
    sample = sample_2x(value, unit, multiplier)

    assert read(sample) == expected
    assert len(sample.raw_unit) <= 64 or multiplier is None


def test_a_unit_of_1_6_that_looks_like_a_multiplier_is_none() -> None:
    assert read(sample_16("12", "Whe3")) == (12_000, 1000)


@pytest.mark.parametrize("raw", ["", "five", "nan", "inf", "1,5,5", "9" * 400, "²"])
def test_a_stored_text_that_is_no_number_leaves_the_value(raw: str) -> None:
    assert register_mwh(raw, "kWh", 1500.25) == (1_500_250, 1000)


@given(st.decimals(0, 10**12, places=6), st.sampled_from([("Wh", 3), ("kWh", 6)]))
def test_every_text_is_read_as_the_decimal_it_is(number: Decimal, unit: tuple[str, int]) -> None:
    exact = int((number.scaleb(unit[1])).to_integral_value(ROUND_HALF_EVEN))

    assert read(sample_16(f"{number:f}", unit[0]))[0] == exact
    assert read(sample_16(f" {number:f}".replace(".", ","), unit[0]))[0] == exact


@given(st.integers(-4 * 10**15, 4 * 10**15))
def test_thousandths_come_back_from_wh_up_to_4_twh(mwh: int) -> None:
    wh = wh_of(mwh)

    assert mwh_of(wh) == mwh
    assert Decimal(repr(wh)) == Decimal(mwh).scaleb(-3) or abs(mwh) > 10**15


def test_no_energy_is_neither() -> None:
    assert (wh_of(None), mwh_of(None), wh_of(0), mwh_of(0.0)) == (None, None, 0.0, 0)
    assert mwh_of(0.1 + 0.2) == 300
