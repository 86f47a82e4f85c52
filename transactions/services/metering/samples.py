"""The samples of one reading as one text, and back; pure.

A charger sends the same kinds of samples for years, and only their values change. So the text has two or
three lines of JSON, and the first one, the kinds, is parsed once and then found in a cache:

    [[0,0,18],[3,8,22],["Vendor.Word"]]     measurand, phase, unit, context, location of each sample
    "123456 15.2 4"                         the values as sent, in one text or in an array
    [{"2":null},{"0":"..."}]                values that do not follow from their text; signed data

A word is the number that it has in WORDS, or itself. 0 is the usual one, and nothing follows the last unusual
one. Reading a text again returns what was written: measurand, phase, location, context, value, unit, the
station's own text and unit, and signed data.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import crc32

import orjson

from ocpp_server.protocol.translate.metering import ENERGY, POWER, base_unit


class Role(IntEnum):
    """What a session needs a sample for."""

    OTHER = 0
    REGISTER = 1
    POWER = 2
    SOC = 3
    CURRENT = 4
    VOLTAGE = 5


# Stored readings contain the numbers of these words: words may be added at the end, and none may move.
# The number 0 stands for the usual word of a field.
WORDS: Final = tuple(
    """
    - Energy.Active.Import.Register Power.Active.Import Current.Import Voltage SoC Frequency Temperature
    L1 L2 L3 N L1-N L2-N L3-N L1-L2 L2-L3 L3-L1
    Wh kWh W kW A V Percent Hertz Hz % Celsius Celcius C Whe3 We3 varh kvarh VAh kVAh VA kVA var kvar mA kV K
    Fahrenheit
    Transaction.Begin Transaction.End Sample.Periodic Sample.Clock Trigger Interruption.Begin Interruption.End
    Other Outlet Cable EV Inlet Body Upstream
    Current.Offered Current.Export Power.Offered Power.Factor Power.Active.Export Power.Reactive.Import
    Power.Reactive.Export RPM Energy.Active.Export.Register Energy.Reactive.Import.Register
    Energy.Reactive.Export.Register Energy.Active.Import.Interval Energy.Active.Export.Interval
    Energy.Reactive.Import.Interval Energy.Reactive.Export.Interval Energy.Active.Net Energy.Reactive.Net
    Energy.Apparent.Net Energy.Apparent.Import Energy.Apparent.Export
    Current.Export.Offered Current.Export.Minimum Current.Import.Offered Current.Import.Minimum
    Display.PresentSOC Display.MinimumSOC Display.TargetSOC Display.MaximumSOC
    Display.RemainingTimeToMinimumSOC Display.RemainingTimeToTargetSOC Display.RemainingTimeToMaximumSOC
    Display.ChargingComplete Display.BatteryEnergyCapacity Display.InletHot Energy.Active.Import.CableLoss
    Energy.Active.Import.LocalGeneration.Register Energy.Active.Setpoint.Interval EnergyRequest.Target
    EnergyRequest.Minimum EnergyRequest.Maximum EnergyRequest.Minimum.V2X EnergyRequest.Maximum.V2X
    EnergyRequest.Bulk Power.Active.Setpoint Power.Active.Residual Power.Export.Minimum Power.Export.Offered
    Power.Import.Offered Power.Import.Minimum Voltage.Minimum Voltage.Maximum
    """.split()  # noqa: SIM905 - a list would have a line for each word
)
SOC: Final = "SoC"
CURRENT: Final = "Current.Import"
VOLTAGE: Final = "Voltage"
OUTLET: Final = frozenset({"Outlet", ""})
_NO_PHASES: Final = frozenset({"N", "L1-L2", "L2-L3", "L3-L1"})
_ROLES: Final = {ENERGY: Role.REGISTER, POWER: Role.POWER, CURRENT: Role.CURRENT, VOLTAGE: Role.VOLTAGE}
_NUMBERS: Final = {word: number for number, word in enumerate(WORDS) if number}
# The usual measurand, phase, unit of the station, context and location: a sample that says nothing.
_USUAL: Final = (ENERGY, "", "", "Sample.Periodic", "Outlet")
# The first line of a text that is kept parsed; longer ones are of no real charger.
_MOST_CACHED: Final = 4096


class Kind(NamedTuple):
    """What a sample measures. `exponent`: the power of ten from the station's unit to `unit`. `text`: the
    kind in the first line. `key`: samples of one place and time with the same key and text are repetitions.
    """

    measurand: str
    phase: str
    location: str
    context: str
    unit: str
    raw_unit: str
    exponent: int
    role: Role
    key: tuple[str, str, str, str]
    text: str


class Wanted(NamedTuple):
    """The samples to read: None is any."""

    measurands: frozenset[str] | None = None
    phases: frozenset[str] | None = None
    contexts: frozenset[str] | None = None
    locations: frozenset[str] | None = None

    def fits(self, kind: Kind) -> bool:
        return (
            (self.measurands is None or kind.measurand in self.measurands)
            and (self.phases is None or kind.phase in self.phases)
            and (self.contexts is None or kind.context in self.contexts)
            and (self.locations is None or kind.location in self.locations)
        )


ALL: Final = Wanted()


# The number of a sample in its reading, its kind, its value in `kind.unit` (None when the text is not a
# number), the station's text, and signed data. A plain tuple, because a page reads thousands.
Sampled = tuple[int, Kind, float | None, str, str | None]


def write(
    kinds: list[Kind], raws: list[str], odd: Mapping[int, float | None], signed: Mapping[int, str]
) -> tuple[int, str]:
    """The number of the samples without repetitions, and their text.

    `odd`: the values that do not follow from the texts; `signed`: signed data. Both by the number of the
    sample.
    """
    if len(set(zip([kind.key for kind in kinds], raws, strict=True))) < len(raws):  # equivalent: only quicker
        kinds, raws, odd, signed = _once(kinds, raws, odd, signed)
    joined = " ".join(raws)
    values = joined if joined.count(" ") == len(raws) - 1 else raws
    text = f"[{','.join([kind.text for kind in kinds])}]\n{orjson.dumps(values).decode()}"
    if odd or signed:
        others = [{str(number): value for number, value in some.items()} for some in (odd, signed)]
        text += f"\n{orjson.dumps(others).decode()}"
    return len(raws), text


def _once(
    kinds: list[Kind], raws: list[str], odd: Mapping[int, float | None], signed: Mapping[int, str]
) -> tuple[list[Kind], list[str], dict[int, float | None], dict[int, str]]:
    """The arguments of `write` without the samples that repeat an earlier one."""
    first: dict[Any, int] = {}
    for number, (kind, raw) in enumerate(zip(kinds, raws, strict=True)):  # equivalent: of the same length
        first.setdefault((kind.key, raw), number)
    kept = list(first.values())
    return (
        [kinds[number] for number in kept],
        [raws[number] for number in kept],
        {new: odd[number] for new, number in enumerate(kept) if number in odd},
        {new: signed[number] for new, number in enumerate(kept) if number in signed},
    )


def number(raw: str, exponent: int) -> float | None:
    """The value that follows from a station's text."""
    try:
        return float(f"{raw}e{exponent}") if exponent else float(raw)
    except ValueError:
        return None


def digest(evse: int | None, connector: int | None, text: str) -> int:
    """The checksum by which a repeated reading of a place is recognised."""
    return crc32(f"{evse}|{connector}|{text}".encode())


# A station may send any text as a measurand: bound the cache.
@lru_cache(maxsize=2048)
def kind_of(  # noqa: PLR0917 - six columns in their usual order, for every sample of every message
    measurand: str, phase: str, location: str, context: str, unit: str, raw_unit: str
) -> Kind:
    """A kind of samples. Its texts have the lengths of their columns."""
    usual_unit, exponent = base_unit(measurand, raw_unit)
    words: list[Any] = [
        0 if word == usual else _NUMBERS.get(word, word)
        for word, usual in zip((measurand, phase, raw_unit, context, location), _USUAL, strict=True)
    ]
    if unit != usual_unit:  # it did not fit its column, or the station wrote a multiplier in its own way
        exponent = 0
        words.append(unit)
    else:
        while words and words[-1] == 0:
            words.pop()
    role = _role(measurand, phase, location)
    text = orjson.dumps(words).decode()
    key = (measurand, phase, location, context)
    return Kind(*key, unit, raw_unit, exponent, role, key, text)


def _role(measurand: str, phase: str, location: str) -> Role:
    if measurand == SOC:
        return Role.OTHER if phase else Role.SOC
    if location not in OUTLET:
        # Only energy at the outlet is sold, not the values of the cable or the inlet.
        return Role.OTHER
    if measurand in (CURRENT, VOLTAGE) and phase in _NO_PHASES:
        return Role.OTHER
    return _ROLES.get(measurand, Role.OTHER)


def read(text: str, wanted: Wanted = ALL) -> list[Sampled]:
    """The wanted samples of a text."""
    head, values, *others = text.split("\n")
    chosen = (_cached if len(head) <= _MOST_CACHED else _chosen)(head, wanted)
    if not chosen:
        return []
    raws = orjson.loads(values)
    if isinstance(raws, str):
        raws = raws.split(" ")
    if not others:
        return [(at, kind, number(raws[at], kind.exponent), raws[at], None) for at, kind in chosen]
    odd, signed = orjson.loads(others[0])
    return [
        (
            at,
            kind,
            odd[str(at)] if str(at) in odd else number(raws[at], kind.exponent),
            raws[at],
            signed.get(str(at)),
        )
        for at, kind in chosen
    ]


def _chosen(head: str, wanted: Wanted) -> tuple[tuple[int, Kind], ...]:
    kinds = (_kind_from(words) for words in orjson.loads(head))
    return tuple((place, kind) for place, kind in enumerate(kinds) if wanted.fits(kind))


_cached = lru_cache(maxsize=256)(_chosen)


def _kind_from(words: list[Any]) -> Kind:
    unit = words[len(_USUAL)] if len(words) > len(_USUAL) else None
    named = [
        usual if word == 0 else WORDS[word] if isinstance(word, int) else word
        for word, usual in zip([*words, 0, 0, 0, 0, 0], _USUAL, strict=False)
    ]
    measurand, phase, raw_unit, context, location = named
    if unit is None:
        unit = base_unit(measurand, raw_unit)[0]
    return kind_of(measurand, phase, location, context, unit, raw_unit)
