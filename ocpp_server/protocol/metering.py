"""Meter values of both dialects as one noun: a sample with its unit normalised and the station's own text
kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"

# What stations write (field reports), lower-cased, to the unit we store and the factor to it.
_UNITS: dict[str, tuple[str, float]] = {
    "wh": ("Wh", 1.0),
    "kwh": ("Wh", 1000.0),
    "varh": ("varh", 1.0),
    "kvarh": ("varh", 1000.0),
    "vah": ("VAh", 1.0),
    "kvah": ("VAh", 1000.0),
    "w": ("W", 1.0),
    "kw": ("W", 1000.0),
    "var": ("var", 1.0),
    "kvar": ("var", 1000.0),
    "va": ("VA", 1.0),
    "kva": ("VA", 1000.0),
    "a": ("A", 1.0),
    "ma": ("A", 0.001),
    "v": ("V", 1.0),
    "kv": ("V", 1000.0),
    "hz": ("Hz", 1.0),
    "hertz": ("Hz", 1.0),
    "percent": ("Percent", 1.0),
    "%": ("Percent", 1.0),
    "celsius": ("Celsius", 1.0),
    "celcius": ("Celsius", 1.0),  # the spelling of the 1.6 schema
    "c": ("Celsius", 1.0),
    "rpm": ("RPM", 1.0),
}

# The unit a measurand has when the station names none (1.6 7.43: Wh for energy; the others by their nature).
_DEFAULT_UNIT = (
    ("Energy.Reactive", "varh"),
    ("Energy.Apparent", "VAh"),
    ("Energy.", "Wh"),
    ("Power.Reactive", "var"),
    ("Power.Factor", ""),
    ("Power.", "W"),
    ("Current.", "A"),
    ("Voltage", "V"),
    ("Frequency", "Hz"),
    ("SoC", "Percent"),
    ("Temperature", "Celsius"),
    ("RPM", "RPM"),
)
_default_units: dict[str, str] = {}

# Beyond this a number is no measurement; the database's float would take it, a sum would not recover.
_ABSURD = 1e15


class Sample(NamedTuple):
    """One sampled value. `value` is in `unit`; None when `raw` is not a number."""

    time: str
    measurand: str
    phase: str
    location: str
    context: str
    value: float | None
    unit: str
    raw: str
    raw_unit: str
    signed_data: str | None
    problem: str


def default_unit(measurand: str) -> str:
    unit = _default_units.get(measurand)
    if unit is None:
        unit = next((u for prefix, u in _DEFAULT_UNIT if measurand.startswith(prefix)), "")
        if (
            len(_default_units) < 1000
        ):  # measurands are text of the station: do not let the cache grow with them
            _default_units[measurand] = unit
    return unit


def number(raw: str) -> tuple[float | None, str]:
    """The value of a sampled value's text, and the problem with it: "1,5" and "" happen."""
    try:
        value = float(raw)
    except ValueError:
        try:
            value = float(raw.strip().replace(",", "."))
        except ValueError:
            return None, "value-missing" if not raw.strip() else "value-not-a-number"
        if not math.isfinite(value):
            return None, "value-not-a-number"
        return value, "decimal-comma"
    if not math.isfinite(value) or "_" in raw or not raw.isascii():
        return None, "value-not-a-number"
    if abs(value) > _ABSURD:
        return None, "value-absurd"
    return value, ""


def samples_16(meter_values: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """1.6 MeterValue (7.33): values are texts, signed data is the value itself."""
    samples = []
    for meter_value in meter_values:
        time = meter_value.get("timestamp", "")
        for sampled in meter_value.get("sampledValue", ()):
            raw = sampled["value"]
            measurand = sampled.get("measurand", ENERGY)
            raw_unit = sampled.get("unit", "")
            if sampled.get("format") == "SignedData":
                value, problem, signed, raw_text = None, "", raw, raw[:255]
            else:
                value, problem = number(raw)
                signed, raw_text = None, raw
            unit, factor = (
                _UNITS.get(raw_unit.lower(), (raw_unit, 1.0)) if raw_unit else (default_unit(measurand), 1.0)
            )
            samples.append(
                Sample(
                    time,
                    measurand,
                    sampled.get("phase", ""),
                    sampled.get("location", "Outlet"),
                    sampled.get("context", "Sample.Periodic"),
                    value if value is None or factor == 1.0 else value * factor,
                    unit,
                    raw_text,
                    raw_unit,
                    signed,
                    problem,
                )
            )
    return samples


def samples_2x(meter_values: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """2.x MeterValueType (2.31): values are numbers with a multiplier, signed data stands beside them."""
    samples = []
    for meter_value in meter_values:
        time = meter_value.get("timestamp", "")
        for sampled in meter_value.get("sampledValue", ()):
            raw = sampled["value"]
            measurand = sampled.get("measurand", ENERGY)
            unit_of_measure = sampled.get("unitOfMeasure") or {}
            raw_unit = unit_of_measure.get("unit", "")
            multiplier = unit_of_measure.get("multiplier", 0)
            unit, factor = (
                _UNITS.get(raw_unit.lower(), (raw_unit, 1.0)) if raw_unit else (default_unit(measurand), 1.0)
            )
            value: float | None
            value, problem = float(raw), ""
            if factor != 1.0:
                value *= factor
            if multiplier:
                if -30 <= multiplier <= 30:
                    value *= 10.0**multiplier
                else:
                    problem = "value-absurd"
            if abs(value) > _ABSURD or problem:
                value, problem = None, "value-absurd"
            signed = sampled.get("signedMeterValue")
            samples.append(
                Sample(
                    time,
                    measurand,
                    sampled.get("phase", ""),
                    sampled.get("location", "Outlet"),
                    sampled.get("context", "Sample.Periodic"),
                    value,
                    unit,
                    repr(raw),
                    f"{raw_unit}e{multiplier}" if multiplier else raw_unit,
                    signed_text(signed) if signed else None,
                    problem,
                )
            )
    return samples


def signed_text(signed: Mapping[str, Any]) -> str:
    """The signed part as JSON with the station's values untouched: encoding, method, key and data belong
    together.
    """
    return orjson.dumps(signed).decode()
