"""Sampled values of both versions: the unit a station names, its factor, and the values that are left out."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.translate.energy import register_mwh
from ocpp_server.protocol.translate.metering import Sample, default_unit, samples_2x, samples_16

# The unit as a station writes it, the stored unit, and the value of 1.5 of them in the stored unit.
UNITS = [
    ("Wh", "Wh", 1.5),
    ("kWh", "Wh", 1500),
    ("varh", "varh", 1.5),
    ("kvarh", "varh", 1500),
    ("VAh", "VAh", 1.5),
    ("kVAh", "VAh", 1500),
    ("W", "W", 1.5),
    ("kW", "W", 1500),
    ("var", "var", 1.5),
    ("kvar", "var", 1500),
    ("VA", "VA", 1.5),
    ("kVA", "VA", 1500),
    ("A", "A", 1.5),
    ("mA", "A", 0.0015),
    ("V", "V", 1.5),
    ("kV", "V", 1500),
    ("Hz", "Hz", 1.5),
    ("Hertz", "Hz", 1.5),
    ("Percent", "Percent", 1.5),
    ("%", "Percent", 1.5),
    ("Celsius", "Celsius", 1.5),
    ("Celcius", "Celsius", 1.5),
    ("C", "Celsius", 1.5),
    ("RPM", "RPM", 1.5),
    # A unit without a known factor keeps its name and its number.
    ("K", "K", 1.5),
    ("Fahrenheit", "Fahrenheit", 1.5),
]


def sample_16(value: str, **more: Any) -> Sample:
    (sample,) = samples_16([{"timestamp": "T", "sampledValue": [{"value": value, **more}]}])
    return sample


def sample_2x(value: float, **more: Any) -> Sample:
    (sample,) = samples_2x([{"timestamp": "T", "sampledValue": [{"value": value, **more}]}])
    return sample


def in_unit(value: float, unit: str, multiplier: int | None = None) -> Sample:
    of_measure = {"unit": unit} | ({} if multiplier is None else {"multiplier": multiplier})
    return sample_2x(value, unitOfMeasure=of_measure)


@pytest.mark.parametrize(("unit", "stored", "value"), UNITS)
def test_each_unit_is_stored_with_its_factor_in_every_version_and_spelling(
    unit: str, stored: str, value: float
) -> None:
    for spelling in (unit, unit.upper(), unit.lower()):
        for sample in (sample_16("1.5", unit=spelling), in_unit(1.5, spelling)):
            known = stored if stored not in ("K", "Fahrenheit") else spelling
            assert (sample.unit, sample.value, sample.raw_unit) == (known, value, spelling)


@pytest.mark.parametrize(
    ("value", "unit", "multiplier", "stored"),
    [
        (1.5, "kWh", 0, 1500),
        (15, "Wh", -1, 1.5),
        (1234, "W", -1, 123.4),
        (12, "Wh", 3, 12_000),
        (12, "kWh", 1, 120_000),
        (12, "kvar", -3, 12),
        (25, "A", -1, 2.5),
        (250, "mA", 3, 250),
    ],
)
def test_a_multiplier_of_2_x_is_a_power_of_ten_on_top_of_the_unit(
    value: float, unit: str, multiplier: int, stored: float
) -> None:
    sample = in_unit(value, unit, multiplier)

    assert (sample.value, sample.problem) == (stored, "")


def test_a_multiplier_without_a_unit_counts_in_the_unit_of_the_measurand() -> None:
    sample = sample_2x(12, unitOfMeasure={"multiplier": 3})

    assert (sample.value, sample.unit, sample.raw_unit) == (12_000, "Wh", "e3")


def test_the_energy_and_resolution_of_a_stored_reading_follow_from_its_texts() -> None:
    for value, unit, multiplier, wanted in (
        (12.5, "kWh", None, (12_500_000, 100_000)),
        (12.5, "Wh", 3, (12_500_000, 100_000)),
        (12.5, "kWh", -2, (125_000, 1000)),
        (1234, "", None, (1_234_000, 1000)),
    ):
        sample = in_unit(value, unit, multiplier)
        assert sample.value is not None
        assert register_mwh(sample.raw, sample.raw_unit, sample.value) == wanted


@pytest.mark.parametrize(
    ("measurand", "unit"),
    [
        ("Energy.Active.Import.Register", "Wh"),
        ("Energy.Active.Export.Interval", "Wh"),
        ("Energy.Active.Net", "Wh"),
        ("Energy.Reactive.Import.Register", "varh"),
        ("Energy.Reactive.Export.Interval", "varh"),
        ("Energy.Apparent.Net", "VAh"),
        ("Energy.Request", "Wh"),
        ("Power.Active.Import", "W"),
        ("Power.Offered", "W"),
        ("Power.Reactive.Export", "var"),
        ("Power.Factor", ""),
        ("Current.Import", "A"),
        ("Current.Offered", "A"),
        ("Voltage", "V"),
        ("Voltage.Minimum", "V"),
        ("Frequency", "Hz"),
        ("SoC", "Percent"),
        ("SoC.Target", "Percent"),
        ("Temperature", "Celsius"),
        ("RPM", "RPM"),
        ("Vendor.Specific", ""),
    ],
)
def test_a_value_without_a_unit_has_the_unit_of_its_measurand(measurand: str, unit: str) -> None:
    for sample in (sample_16("7", measurand=measurand), sample_2x(7, measurand=measurand)):
        assert (sample.value, sample.unit, sample.raw_unit) == (7, unit, "")


def test_a_bare_value_is_the_register_of_imported_energy_at_the_outlet() -> None:
    for sample in (sample_16("400"), sample_2x(400)):
        assert sample == Sample(
            "T",
            "Energy.Active.Import.Register",
            "",
            "Outlet",
            "Sample.Periodic",
            400,
            "Wh",
            "400",
            "",
            None,
            "",
        )


@pytest.mark.parametrize("read", [lambda **more: sample_16("4", **more), lambda **more: sample_2x(4, **more)])
def test_a_value_keeps_what_the_station_says_about_it(read: Any) -> None:
    said = {"measurand": "Voltage", "phase": "L1-N", "location": "Inlet", "context": "Trigger"}

    sample = read(**said)

    assert {name: getattr(sample, name) for name in said} == said


@pytest.mark.parametrize(
    ("raw", "value", "problem"),
    [
        ("1,5", 1.5, "decimal-comma"),
        (" 1,5 ", 1.5, "decimal-comma"),
        ("1,5e999", None, "value-not-a-number"),
        (" 7 ", 7, ""),
        ("-3", -3, ""),
        ("1e3", 1000, ""),
        ("", None, "value-missing"),
        ("  ", None, "value-missing"),
        ("n/a", None, "value-not-a-number"),
        ("nan", None, "value-not-a-number"),
        ("inf", None, "value-not-a-number"),
        ("1_000", None, "value-not-a-number"),
        ("٣", None, "value-not-a-number"),
        ("1e15", 1e15, ""),
        ("1.1e15", None, "value-absurd"),
        ("-1.1e15", None, "value-absurd"),
    ],
)
def test_a_text_of_1_6_that_is_no_number_has_no_value_and_says_why(
    raw: str, value: float | None, problem: str
) -> None:
    sample = sample_16(raw)

    assert (sample.value, sample.problem, sample.raw) == (value, problem, raw)


@pytest.mark.parametrize(
    ("raw", "value"), [("1,5", 1500), (" 1,5 ", 1500), ("1e3", 1_000_000), ("n/a", None), ("", None)]
)
def test_an_unusual_text_has_the_factor_of_its_unit(raw: str, value: float | None) -> None:
    assert sample_16(raw, unit="kWh").value == value


@pytest.mark.parametrize(
    ("value", "multiplier", "stored"),
    [
        (1e15, None, 1e15),
        (1.1e15, None, None),
        (-1.1e15, None, None),
        (1, 15, 1e15),
        (1.1, 15, None),
        (0, 30, 0),
        (0, 31, None),
        (1, -30, 1e-30),
        (1, -31, None),
    ],
)
def test_a_number_of_2_x_that_no_meter_can_have_measured_has_no_value(
    value: float, multiplier: int | None, stored: float | None
) -> None:
    sample = in_unit(value, "Wh", multiplier)

    assert (sample.value, sample.problem) == (stored, "" if stored is not None else "value-absurd")


def test_signed_data_is_kept_whole_and_is_no_number() -> None:
    signed = "OCMF|" + "7" * 300
    old = sample_16(signed, format="SignedData")
    data = {"signedMeterData": "x", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "k"}
    new = sample_2x(12, signedMeterValue=data)

    assert (old.value, old.signed_data, old.raw, old.problem) == (None, signed, signed[:255], "")
    assert (new.value, new.problem) == (12, "")
    assert new.signed_data == (
        '{"signedMeterData":"x","signingMethod":"","encodingMethod":"OCMF","publicKey":"k"}'
    )


def test_each_value_has_the_time_of_its_meter_value() -> None:
    pairs = [{"timestamp": time, "sampledValue": [{"value": "1"}, {"value": "2"}]} for time in ("A", "B")]

    assert [(one.time, one.value) for one in samples_16(pairs)] == [("A", 1), ("A", 2), ("B", 1), ("B", 2)]
    assert [one.time for one in samples_2x(pairs)] == ["A", "A", "B", "B"]
    for read in (samples_16, samples_2x):
        assert [one.time for one in read([{"sampledValue": [{"value": "1"}]}])] == [""]


def test_invented_measurands_do_not_fill_the_memory() -> None:
    for number in range(1500):
        default_unit(f"Power.Invented.{number}")

    assert default_unit.cache_info().currsize <= 1024
