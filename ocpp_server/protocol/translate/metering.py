"""Meter values of 1.6 and 2.x as one type: a sample with a normalised unit and the station's own text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"

# Units as stations write them (field reports), in lower case: the stored unit and the power of ten to it.
UNITS: dict[str, tuple[str, int]] = {
    "wh": ("Wh", 0),
    "kwh": ("Wh", 3),
    "varh": ("varh", 0),
    "kvarh": ("varh", 3),
    "vah": ("VAh", 0),
    "kvah": ("VAh", 3),
    "w": ("W", 0),
    "kw": ("W", 3),
    "var": ("var", 0),
    "kvar": ("var", 3),
    "va": ("VA", 0),
    "kva": ("VA", 3),
    "a": ("A", 0),
    "ma": ("A", -3),
    "v": ("V", 0),
    "kv": ("V", 3),
    "hz": ("Hz", 0),
    "hertz": ("Hz", 0),
    "percent": ("Percent", 0),
    "%": ("Percent", 0),
    "celsius": ("Celsius", 0),
    "celcius": ("Celsius", 0),  # the spelling of the 1.6 schema
    "c": ("Celsius", 0),
    "rpm": ("RPM", 0),
}

# The unit of a measurand when the station names none (1.6 7.43: Wh for energy; the others by their nature).
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

# A larger number is no measurement: the database would accept it, and a sum that includes it is useless.
_ABSURD = 1e15
# Powers of ten beyond this are no measurement either.
MOST_DIGITS = 30
# How `samples_2x` writes a unit with its multiplier.
MULTIPLIED = re.compile(r"(.*)e(-?[0-9]{1,2})", re.DOTALL)
# With its multiplier, a unit of this length fits its column; no known unit is longer.
_LONGEST_UNIT = 60


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


# A station may send any text as a measurand: bound the cache.
@lru_cache(maxsize=1024)
def default_unit(measurand: str) -> str:
    return next((unit for prefix, unit in _DEFAULT_UNIT if measurand.startswith(prefix)), "")


def number(raw: str) -> tuple[float | None, str]:
    """The number in the text of a sampled value, and the problem with it: stations send "1,5" and ""."""
    problem = ""
    try:
        value = float(raw)
    except ValueError:
        try:
            value = float(raw.replace(",", "."))
        except ValueError:
            return None, "value-missing" if not raw.strip() else "value-not-a-number"
        problem = "decimal-comma"
    if not math.isfinite(value) or "_" in raw or not raw.isascii():
        return None, "value-not-a-number"
    return value, problem


def scaled(raw: str, exponent: int) -> float:
    """The number in a text that `number` accepts, times a power of ten, without binary rounding.

    0.13962 kWh are 139.62 Wh, but 0.13962 * 1000 is not 139.62.
    """
    try:
        return float(f"{raw}e{exponent}")
    except ValueError:
        # The text has an exponent of its own, a comma, or blanks.
        return float(Decimal(raw.strip().replace(",", ".")).scaleb(exponent))


def base_unit(measurand: str, raw_unit: str) -> tuple[str, int]:
    """The stored unit of a sample, and the power of ten from the station's unit to it: ("Wh", 3) for kWh.
    `raw_unit` is "kWh", or "Whe3" with a multiplier.
    """
    multiplied = MULTIPLIED.fullmatch(raw_unit)
    name, multiplier = (multiplied[1], int(multiplied[2])) if multiplied else (raw_unit, 0)
    unit, exponent = UNITS.get(name.lower(), (name, 0)) if name else (default_unit(measurand), 0)
    return unit, exponent + multiplier


def samples_16(meter_values: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """The samples of 1.6 MeterValues (7.33): values are texts, and signed data is in `value` itself."""
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
            unit, exponent = (
                UNITS.get(raw_unit.lower(), (raw_unit, 0)) if raw_unit else (default_unit(measurand), 0)
            )
            if value is not None and exponent:
                value = scaled(raw, exponent)
            if value is not None and abs(value) > _ABSURD:
                value, problem = None, "value-absurd"
            samples.append(
                Sample(
                    time,
                    measurand,
                    sampled.get("phase", ""),
                    sampled.get("location", "Outlet"),
                    sampled.get("context", "Sample.Periodic"),
                    value,
                    unit,
                    raw_text,
                    raw_unit,
                    signed,
                    problem,
                )
            )
    return samples


def samples_2x(meter_values: Iterable[Mapping[str, Any]]) -> list[Sample]:
    """The samples of 2.x MeterValueTypes (2.31): numbers with a multiplier; signed data has its own field."""
    samples = []
    for meter_value in meter_values:
        time = meter_value.get("timestamp", "")
        for sampled in meter_value.get("sampledValue", ()):
            raw = sampled["value"]
            measurand = sampled.get("measurand", ENERGY)
            unit_of_measure = sampled.get("unitOfMeasure") or {}
            raw_unit = unit_of_measure.get("unit", "")
            multiplier = unit_of_measure.get("multiplier", 0)
            unit, exponent = (
                UNITS.get(raw_unit.lower(), (raw_unit, 0)) if raw_unit else (default_unit(measurand), 0)
            )
            raw_text = repr(raw)
            value: float | None
            value, problem = float(raw), ""
            if multiplier and not -MOST_DIGITS <= multiplier <= MOST_DIGITS:
                problem = "value-absurd"
            elif multiplier or exponent:
                value = scaled(raw_text, exponent + multiplier)
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
                    raw_text,
                    f"{raw_unit[:_LONGEST_UNIT]}e{multiplier}" if multiplier else raw_unit,
                    signed_text(signed) if signed else None,
                    problem,
                )
            )
    return samples


def signed_text(signed: Mapping[str, Any]) -> str:
    """The signed meter value as JSON, unchanged: encoding, method, key and data belong together."""
    return orjson.dumps(signed).decode()
