"""Sampled values of a charging vehicle, rendered once: three a reading, or fourteen as a three-phase station
sends them. The register is apart, as it follows the station's meter.
"""

from __future__ import annotations

import json
import math
from functools import cache

# Readings before the values repeat; each station starts at another one.
VARIANTS = 240
COUNTS = (3, 14)


def _values(step: int) -> list[tuple[str, str, str, str]]:
    """Return measurand, phase, value and unit of thirteen samples of a session from 12 to 96 percent."""
    share = step / VARIANTS
    volts = [229.4 + 1.7 * math.sin(step / 7 + phase) for phase in range(3)]
    amperes = [
        (15.9 - 9.0 * max(0.0, share - 0.7) / 0.3) + 0.12 * math.sin(step / 3 + 2 * phase)
        for phase in range(3)
    ]
    watts = sum(u * i for u, i in zip(volts, amperes, strict=True))
    return [
        ("Power.Active.Import", "", f"{watts:.1f}", "W"),
        *(("Current.Import", f"L{n}", f"{i:.2f}", "A") for n, i in enumerate(amperes, 1)),
        *(("Voltage", f"L{n}-N", f"{u:.1f}", "V") for n, u in enumerate(volts, 1)),
        ("SoC", "", f"{12 + 84 * share:.0f}", "Percent"),
        ("Temperature", "", f"{31 + 9 * math.sin(step / 40):.1f}", "Celsius"),
        ("Frequency", "", f"{50 + 0.03 * math.sin(step / 5):.3f}", ""),
        ("Power.Factor", "", f"{0.985 + 0.01 * math.sin(step / 11):.3f}", ""),
        ("Current.Offered", "", "16.00", "A"),
        ("Power.Offered", "", "11040", "W"),
    ]


def _three(step: int) -> list[tuple[str, str, str, str]]:
    power, *rest = _values(step)
    watts, amperes = float(power[2]), sum(float(rest[n][2]) for n in range(3))
    return [power, ("Current.Import", "", f"{max(amperes, watts / 400):.1f}", "A")]


def _sample(version: str, measurand: str, phase: str, value: str, unit: str) -> bytes:
    sample: dict[str, object] = {"value": value if version == "1.6" else float(value)}
    sample["context"] = "Sample.Periodic"
    if measurand == "Temperature" and version != "1.6":
        measurand, unit = "Power.Reactive.Import", "var"  # 2.x has no temperature
    sample["measurand"] = measurand
    if phase:
        sample["phase"] = phase
    if unit:
        sample |= {"unit": unit} if version == "1.6" else {"unitOfMeasure": {"unit": unit}}
    return json.dumps(sample, separators=(",", ":")).encode()


@cache
def rendered(version: str, count: int) -> list[bytes]:
    """Return the samples after the register, joined by commas, for each variant. Raises ValueError for a
    count other than 3 and 14.
    """
    if count not in COUNTS:
        raise ValueError(f"{count} samples a reading; there are forms with {COUNTS}")
    values = _three if count == COUNTS[0] else _values
    return [b",".join(_sample(version, *sample) for sample in values(step)) for step in range(VARIANTS)]
