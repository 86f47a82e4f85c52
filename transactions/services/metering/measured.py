"""The samples that a message has of one time: what the session counts, and the row to store."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ocpp_server.protocol.translate.energy import register_mwh
from ocpp_server.protocol.translate.metering import MOST_DIGITS, Sample
from transactions.services.metering import energy
from transactions.services.metering.counting import Rank, Register, rank_of
from transactions.services.metering.samples import Kind, Role, digest, kind_of, write
from transactions.tables import READINGS

# The columns of a reading that follow from its samples.
COLUMNS: Final = READINGS.names[READINGS.names.index("measured_at") :]
# By the resolution, which is in thousandths of a Wh.
_EXPONENTS: Final = {10**digits: digits - 3 for digits in range(MOST_DIGITS + 1)}
# Further decimals of a sum of phases (W) are noise of floating-point arithmetic.
_MOST_DECIMALS: Final = 6
_known: dict[tuple[str, ...], Kind] = {}
_MOST_KNOWN: Final = 4096  # equivalent: only quicker
_LONGEST_KNOWN: Final = 200  # equivalent: only quicker
# As plain numbers, which are found and compared quicker than the members of an enum.
_REGISTER, _POWER = int(Role.REGISTER), int(Role.POWER)
_CURRENT, _VOLTAGE = int(Role.CURRENT), int(Role.VOLTAGE)
# More do not fit the column. No sample with a value has so many.
_MOST_MWH: Final = 2**63 - 1


class Measured:
    """Takes the samples of one time: register readings, power (W), state of charge (%), current (A) and
    voltage (V).
    """

    __slots__ = (
        "_has_named_phases",
        "_highest",
        "_kinds",
        "_odd",
        "_raws",
        "_signed",
        "at",
        "register_mwh",
        "registers",
        "soc",
        "watts",
        "watts_by_phase",
    )

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._kinds: list[Kind] = []
        self._raws: list[str] = []
        self._odd: dict[int, float | None] = {}
        self._signed: dict[int, str] = {}
        self.registers: list[Register] = []
        self.register_mwh: int | None = None
        self.soc: float | None = None
        self.watts: float | None = None
        self.watts_by_phase: dict[str, float] = {}
        self._has_named_phases = False  # power of "L1-N" and the like
        # Current and voltage, by their role: of all phases together, and with a minus of a single phase.
        self._highest: dict[int, float] = {}

    def power(self) -> float | None:
        """The station's total, or the sum of the phases when all three are present."""
        by_phase = self.watts_by_phase
        if self.watts is None and by_phase and all(phase in by_phase for phase in energy.PHASES):
            return round(sum(by_phase[phase] for phase in energy.PHASES), _MOST_DECIMALS)
        return self.watts

    def take(self, kind: Kind, value: float | None, raw: str, signed_data: str | None) -> None:
        """Take a sample. This runs for every sample of every message, so it calls little."""
        exponent, kinds = kind.exponent, self._kinds
        try:
            usual: float | None = float(f"{raw}e{exponent}") if exponent else float(raw)
        except ValueError:
            usual = None
        if value != usual:
            self._odd[len(kinds)] = value
        if signed_data is not None:
            self._signed[len(kinds)] = signed_data
        kinds.append(kind)
        self._raws.append(raw)
        role = kind.role
        if value is None or not role:
            return
        if role >= _CURRENT:
            place = -role if kind.phase else role
            self._highest[place] = max(value, self._highest.get(place, value))
        elif role == _POWER:
            if kind.phase:
                self.watts_by_phase[kind.phase[:2]] = value
                self._has_named_phases |= len(kind.phase) > len("L1")
            else:
                self.watts = value
        elif role == _REGISTER:
            self._register(kind, value, raw)
        else:
            self.soc = value

    def _register(self, kind: Kind, value: float, raw: str) -> None:
        one = register(self.at, kind, value, raw)
        self.registers.append(one)
        # Of several registers the highest counts, as in `counting`.
        if (
            not one.phase
            and 0 <= one.mwh <= _MOST_MWH
            and (self.register_mwh is None or one.mwh > self.register_mwh)
        ):
            self.register_mwh = one.mwh

    def register_exponent(self) -> int | None:
        """The power of ten of the register's last digit, in Wh, if the columns say all about the energy and
        the power of the samples; None if the samples have to be read.
        """
        if len(self.registers) != 1 or self.register_mwh is None:
            return None
        (one,) = self.registers
        if one.rank is not Rank.ORDINARY or (self.watts is None and not self._has_sum_or_nothing()):
            return None
        return _EXPONENTS.get(one.resolution)

    def _has_sum_or_nothing(self) -> bool:
        by_phase = self.watts_by_phase
        return not by_phase or (by_phase.keys() == set(energy.PHASES) and not self._has_named_phases)

    def columns(self, evse: int | None, connector: int | None) -> dict[str, Any]:
        """The columns that follow from the samples."""
        return dict(zip(COLUMNS, self.row(evse, connector), strict=True))  # equivalent: of the same length

    def row(self, evse: int | None, connector: int | None) -> tuple[Any, ...]:
        """The values of COLUMNS."""
        highest = self._highest
        count, text = write(self._kinds, self._raws, self._odd, self._signed)
        return (
            self.at,
            self.register_mwh,
            self.power(),
            self.soc,
            highest.get(_CURRENT, highest.get(-_CURRENT)),
            highest.get(_VOLTAGE, highest.get(-_VOLTAGE)),
            count,
            self.register_exponent(),
            text,
            digest(evse, connector, text),
        )


def register(at: datetime, kind: Kind, value: float, raw: str) -> Register:
    """A sample of the register as the energy of a session counts it."""
    return Register(at, rank_of(kind.context), kind.phase, *register_mwh(raw, kind.raw_unit, value))


def kind_of_sample(sample: Sample) -> Kind:
    """The kind of a sample, with its texts cut to the lengths of stored readings."""
    _, measurand, phase, location, context, _, unit, _, raw_unit, _, _ = sample
    words = (measurand, phase, location, context, unit, raw_unit)
    kind = _known.get(words)
    if kind is None:
        kind = kind_of(measurand[:64], phase[:16], location[:16], context[:32], unit[:16], raw_unit[:64])
        # A station may send any text: bound the cache and its keys.
        if len(_known) < _MOST_KNOWN and sum(map(len, words)) < _LONGEST_KNOWN:  # equivalent: only quicker
            _known[words] = kind
    return kind
