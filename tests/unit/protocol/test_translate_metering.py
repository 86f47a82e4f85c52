"""Sampled values of 1.6 and 2.x: units, numbers as stations write them, and signed data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate import samples_2x, samples_16
from ocpp_server.protocol.translate.metering import (
    ENERGY,
    Sample,
    base_unit,
    default_unit,
    number,
    scaled,
)
from ocpp_server.protocol.versions import V2X, V16
from tests.direct.properties import searched

TIME = "2026-01-01T12:00:00Z"


def sample_16(value: str, **fields: Any) -> Sample:
    (sample,) = samples_16([{"timestamp": TIME, "sampledValue": [{"value": value, **fields}]}])
    return sample


def sample_2x(value: float, unit: str = "", multiplier: int | None = None, **fields: Any) -> Sample:
    unit_of_measure = {} if multiplier is None else {"multiplier": multiplier}
    if unit:
        unit_of_measure["unit"] = unit
    sampled = {"value": value, "unitOfMeasure": unit_of_measure, **fields}
    (sample,) = samples_2x([{"timestamp": TIME, "sampledValue": [sampled]}])
    return sample


# --- the fields of a sample


def test_every_field_of_a_1_6_sample_is_kept() -> None:
    fields = {
        "measurand": "Voltage", "phase": "L1-N", "location": "Inlet", "context": "Transaction.Begin",
        "unit": "V", "format": "Raw",
    }  # fmt: skip

    assert sample_16("230.1", **fields) == Sample(
        TIME, "Voltage", "L1-N", "Inlet", "Transaction.Begin", 230.1, "V", "230.1", "V", None, ""
    )


def test_the_defaults_of_a_1_6_sample_are_those_of_the_specification() -> None:
    assert sample_16("5") == Sample(
        TIME, "Energy.Active.Import.Register", "", "Outlet", "Sample.Periodic", 5.0, "Wh", "5", "", None, ""
    )


def test_every_field_of_a_2x_sample_is_kept() -> None:
    signed = {"signedMeterData": "QQ==", "encodingMethod": "OCMF", "signingMethod": "", "publicKey": "k"}
    fields = {
        "measurand": "Voltage", "phase": "L1-N", "location": "Inlet", "context": "Transaction.Begin",
        "signedMeterValue": signed,
    }  # fmt: skip

    sample = sample_2x(230.1, "V", **fields)

    assert sample == Sample(
        TIME, "Voltage", "L1-N", "Inlet", "Transaction.Begin", 230.1, "V", "230.1", "V", sample[9], ""
    )
    assert json.loads(str(sample.signed_data)) == signed


@pytest.mark.parametrize("sampled", [{"value": 5}, {"value": 5, "unitOfMeasure": None}])
def test_the_defaults_of_a_2x_sample_are_those_of_the_specification(sampled: dict[str, Any]) -> None:
    (sample,) = samples_2x([{"timestamp": TIME, "sampledValue": [sampled]}])

    assert sample == Sample(
        TIME, "Energy.Active.Import.Register", "", "Outlet", "Sample.Periodic", 5.0, "Wh", "5", "", None, ""
    )


@pytest.mark.parametrize("samples", [samples_16, samples_2x])
def test_all_samples_are_read_in_their_order_and_a_missing_time_is_empty(samples: Any) -> None:
    read = samples(
        [
            {"timestamp": "1", "sampledValue": [{"value": "1"}, {"value": "2"}]},
            {"timestamp": "2"},
            {"sampledValue": [{"value": "3"}]},
        ]
    )

    assert [(sample.time, sample.value) for sample in read] == [("1", 1.0), ("1", 2.0), ("", 3.0)]


def test_1_6_signed_data_is_kept_whole_and_is_no_number() -> None:
    data = "5" * 256

    sample = sample_16(data, format="SignedData", unit="kWh")

    assert (sample.signed_data, sample.raw, sample.value, sample.problem) == (data, "5" * 255, None, "")


def test_a_long_number_keeps_all_of_its_text() -> None:
    assert sample_16("0" * 255 + "5").raw == "0" * 255 + "5"


# --- units

STORED = {
    "Wh": ("Wh", 1), "kWh": ("Wh", 1000), "varh": ("varh", 1), "kvarh": ("varh", 1000), "W": ("W", 1),
    "kW": ("W", 1000), "VA": ("VA", 1), "kVA": ("VA", 1000), "var": ("var", 1), "kvar": ("var", 1000),
    "A": ("A", 1), "V": ("V", 1), "Celsius": ("Celsius", 1), "Celcius": ("Celsius", 1),
    "Percent": ("Percent", 1), "Fahrenheit": ("Fahrenheit", 1), "K": ("K", 1), "Hertz": ("Hz", 1),
}  # fmt: skip
# Of 2.x (part 2, standardized units of measure) and of stations.
OTHERS = {
    "VAh": ("VAh", 1), "kVAh": ("VAh", 1000), "mA": ("A", 0.001), "kV": ("V", 1000), "Hz": ("Hz", 1),
    "%": ("Percent", 1), "C": ("Celsius", 1), "RPM": ("RPM", 1), "dBm": ("dBm", 1),
}  # fmt: skip
# Kept as they are written.
UNKNOWN = frozenset({"Fahrenheit", "K", "dBm"})


def test_every_unit_of_the_1_6_schema_is_stored_under_a_known_unit() -> None:
    properties = schemas.message_schema(V16, "MeterValues", "request")["properties"]["meterValue"]["items"]
    sampled = properties["properties"]["sampledValue"]["items"]["properties"]

    assert set(sampled["unit"]["enum"]) == set(STORED)


@pytest.mark.parametrize(("written", "stored"), (STORED | OTHERS).items())
def test_a_unit_is_stored_with_its_value_in_any_case(written: str, stored: tuple[str, float]) -> None:
    unit, factor = stored

    for spelled in {written} if written in UNKNOWN else {written, written.upper(), written.lower()}:
        in_16, in_2x = sample_16("250", unit=spelled), sample_2x(250, spelled)
        assert (in_16.unit, in_16.value, in_16.raw, in_16.raw_unit) == (unit, 250 * factor, "250", spelled)
        assert (in_2x.unit, in_2x.value, in_2x.raw, in_2x.raw_unit) == (unit, 250 * factor, "250", spelled)


DEFAULT_UNITS = {
    "Energy.Active.": "Wh", "Energy.Reactive.": "varh", "Energy.Apparent.": "VAh", "Power.Active.": "W",
    "Power.Offered": "W", "Power.Reactive.": "var", "Power.Factor": "", "Current.": "A", "Voltage": "V",
    "Frequency": "Hz", "SoC": "Percent", "Temperature": "Celsius", "RPM": "RPM",
}  # fmt: skip


def test_without_a_unit_every_measurand_of_1_6_has_the_unit_of_its_quantity() -> None:
    properties = schemas.message_schema(V16, "MeterValues", "request")["properties"]["meterValue"]["items"]
    sampled = properties["properties"]["sampledValue"]["items"]["properties"]
    expected = {
        measurand: next(unit for prefix, unit in DEFAULT_UNITS.items() if measurand.startswith(prefix))
        for measurand in sampled["measurand"]["enum"]
    }

    assert {measurand: default_unit(measurand) for measurand in expected} == expected
    assert {measurand: sample_16("5", measurand=measurand).unit for measurand in expected} == expected
    assert {measurand: sample_2x(5, measurand=measurand).unit for measurand in expected} == expected


def test_the_energies_of_2x_have_the_unit_of_their_quantity() -> None:
    assert default_unit("Energy.Apparent.Import") == "VAh"
    assert default_unit("Vendor.Anything") == ""


# --- numbers as stations write them


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("5", (5.0, "")),
        ("-5.25", (-5.25, "")),
        (" 5 ", (5.0, "")),
        ("5e3", (5000.0, "")),
        ("1,5", (1.5, "decimal-comma")),
        (" 1,5 ", (1.5, "decimal-comma")),
        ("", (None, "value-missing")),
        ("  ", (None, "value-missing")),
        ("five", (None, "value-not-a-number")),
        ("1,5,5", (None, "value-not-a-number")),
        ("nan", (None, "value-not-a-number")),
        ("inf", (None, "value-not-a-number")),
        ("1e999", (None, "value-not-a-number")),
        ("1,5e999", (None, "value-not-a-number")),
        ("1_000", (None, "value-not-a-number")),
        ("1_000,5", (None, "value-not-a-number")),
        ("٥", (None, "value-not-a-number")),
        ("٥,٥", (None, "value-not-a-number")),
    ],
)
def test_the_number_in_a_text_and_its_problem(raw: str, expected: tuple[float | None, str]) -> None:
    assert number(raw) == expected
    sample = sample_16(raw)
    assert (sample.value, sample.problem, sample.raw) == (*expected, raw)


@pytest.mark.parametrize(
    ("raw", "unit", "expected"),
    [
        ("1000000000000000", "Wh", (1e15, "")),
        ("1000000000000001", "Wh", (None, "value-absurd")),
        ("-1000000000000001", "Wh", (None, "value-absurd")),
        ("1000000000000001,0", "Wh", (None, "value-absurd")),
        ("1000000000000", "kWh", (1e15, "")),
        ("1000000000001", "kWh", (None, "value-absurd")),
    ],
)
def test_a_1_6_value_beyond_any_measurement_is_left_out(
    raw: str, unit: str, expected: tuple[float | None, str]
) -> None:
    sample = sample_16(raw, unit=unit)

    assert (sample.value, sample.problem, sample.raw) == (*expected, raw)


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "expected"),
    [
        (1e15, "Wh", 0, (1e15, "")),
        (1.1e15, "Wh", 0, (None, "value-absurd")),
        (-1.1e15, "Wh", 0, (None, "value-absurd")),
        (1e12, "kWh", 0, (1e15, "")),
        (1.1e12, "kWh", 0, (None, "value-absurd")),
        (1e-20, "Wh", 30, (1e10, "")),
        (1e-20, "Wh", 31, (None, "value-absurd")),
        (5, "Wh", -30, (5e-30, "")),
        (5, "Wh", -31, (None, "value-absurd")),
        (0, "Wh", 31, (None, "value-absurd")),
    ],
)
def test_a_2x_value_beyond_any_measurement_is_left_out(
    value: float, unit: str, multiplier: int, expected: tuple[float | None, str]
) -> None:
    sample = sample_2x(value, unit, multiplier)

    assert (sample.value, sample.problem, sample.raw) == (*expected, repr(value))


@pytest.mark.parametrize(
    ("multiplier", "unit", "value", "raw_unit"),
    [
        (None, "kWh", 12_340.0, "kWh"),
        (0, "kWh", 12_340.0, "kWh"),
        (1, "kWh", 123_400.0, "kWhe1"),
        (-3, "kWh", 12.34, "kWhe-3"),
        (2, "Wh", 1_234.0, "Whe2"),
        (2, "", 1_234.0, "e2"),
    ],
)
def test_the_multiplier_of_2x_counts_beside_the_unit(
    multiplier: int | None, unit: str, value: float, raw_unit: str
) -> None:
    sample = sample_2x(12.34, unit, multiplier)

    assert (sample.value, sample.raw_unit, sample.unit) == (value, raw_unit, "Wh")


@pytest.mark.parametrize(
    ("raw", "exponent", "expected"),
    [("0.13962", 3, 139.62), ("1.5e2", 3, 150_000.0), (" 0,13962 ", 3, 139.62), ("12345", -3, 12.345)],
)
def test_a_number_is_scaled_without_binary_rounding(raw: str, exponent: int, expected: float) -> None:
    assert scaled(raw, exponent) == expected


@pytest.mark.parametrize("version", V2X)
def test_the_measurands_of_2x_without_a_quantity_of_1_6_have_no_default_unit(version: str) -> None:
    definitions = schemas.message_schema(version, "MeterValues", "request")["definitions"]
    known = tuple(DEFAULT_UNITS)

    for measurand in definitions["MeasurandEnumType"]["enum"]:
        if not measurand.startswith(known):
            assert default_unit(measurand) in ("", "W", "VAh"), measurand


# -- units --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measurand", "raw_unit", "wanted"),
    [
        ("Voltage", "", ("V", 0)),
        ("Voltage", "kV", ("V", 3)),
        (ENERGY, "kWh", ("Wh", 3)),
        (ENERGY, "KWH", ("Wh", 3)),
        (ENERGY, "Whe3", ("Wh", 3)),
        (ENERGY, "kWhe-2", ("Wh", 1)),
        (ENERGY, "e3", ("Wh", 3)),
        (ENERGY, "furlong", ("furlong", 0)),
        ("Vendor.Thing", "", ("", 0)),
    ],
)
def test_the_base_unit_of_a_unit(measurand: str, raw_unit: str, wanted: tuple[str, int]) -> None:
    assert base_unit(measurand, raw_unit) == wanted


@searched(100)
@given(
    st.integers(-(10**6), 10**6),  # a larger number may be no measurement
    st.sampled_from(["Wh", "kWh", "kW", "%", "", "mA"]),
    st.integers(-5, 5),
)
def test_the_base_unit_of_a_stored_unit_is_that_of_its_sample(raw: int, unit: str, multiplier: int) -> None:
    of_unit = {"unit": unit, "multiplier": multiplier}
    (sample,) = samples_2x([{"timestamp": "", "sampledValue": [{"value": raw, "unitOfMeasure": of_unit}]}])

    stored, exponent = base_unit(sample.measurand, sample.raw_unit)

    assert stored == sample.unit
    assert sample.value == scaled(sample.raw, exponent)
