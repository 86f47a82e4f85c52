"""The samples that a message has of one time: what the session counts, and the row to store."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ocpp_server.protocol.translate.metering import MOST_DIGITS, Sample, resolution, thousandths
from transactions.services.metering import energy
from transactions.services.metering.counting import MOST_DECIMALS, Rank, Register, rank_of
from transactions.services.metering.samples import Kind, Role, Writer, digest, kind_of

# The columns of a reading that follow from its samples, in the order of `tables.READINGS`.
COLUMNS: Final = (
    "measured_at",
    "register_mwh",
    "power_w",
    "soc_percent",
    "current_a",
    "voltage_v",
    "sample_count",
    "register_exponent",
    "samples",
    "digest",
)
# By the resolution. A finer one is not in thousandths of a Wh.
_EXPONENTS: Final = {float(f"1e{exponent}"): exponent for exponent in range(-3, MOST_DIGITS + 1)}
# More do not fit the column. No sample with a value has so many.
_MOST_MWH: Final = 2**63 - 1


class Measured:
    """Takes the samples of one time: register readings, power (W), state of charge (%), current (A) and
    voltage (V).
    """

    __slots__ = (
        "amperes",
        "amperes_of_phases",
        "at",
        "register_mwh",
        "registers",
        "soc",
        "volts",
        "volts_of_phases",
        "has_named_phases",
        "watts",
        "watts_by_phase",
        "writer",
    )

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.writer = Writer()
        self.registers: list[Register] = []
        self.register_mwh: int | None = None
        self.soc: float | None = None
        self.watts: float | None = None
        self.watts_by_phase: dict[str, float] = {}
        self.has_named_phases = False  # power of "L1-N" and the like
        self.amperes: float | None = None
        self.amperes_of_phases: float | None = None
        self.volts: float | None = None
        self.volts_of_phases: float | None = None

    def power(self) -> float | None:
        """The station's total, or the sum of the phases when all three are present."""
        by_phase = self.watts_by_phase
        if self.watts is None and by_phase and all(phase in by_phase for phase in energy.PHASES):
            return round(sum(by_phase[phase] for phase in energy.PHASES), MOST_DECIMALS)
        return self.watts

    def take(self, kind: Kind, value: float | None, raw: str, signed_data: str | None) -> None:
        self.writer.add(kind, value, raw, signed_data)
        role = kind.role
        if value is None or role is Role.OTHER:
            return
        if role is Role.REGISTER:
            self._register(kind, value, raw)
        elif role is Role.POWER:
            if kind.phase:
                self.watts_by_phase[kind.phase[:2]] = value
                self.has_named_phases |= len(kind.phase) > len("L1")
            else:
                self.watts = value
        elif role is Role.SOC:
            self.soc = value
        elif role is Role.CURRENT:
            if not kind.phase:
                self.amperes = value
            elif self.amperes_of_phases is None or value > self.amperes_of_phases:
                self.amperes_of_phases = value
        elif not kind.phase:
            self.volts = value
        elif self.volts_of_phases is None or value > self.volts_of_phases:
            self.volts_of_phases = value

    def _register(self, kind: Kind, value: float, raw: str) -> None:
        self.registers.append(register(self.at, kind, value, raw))
        if not kind.phase and value >= 0:
            # Of several registers the highest counts, as in `counting`.
            mwh = thousandths(raw, kind.exponent)
            if mwh <= _MOST_MWH and (self.register_mwh is None or mwh > self.register_mwh):
                self.register_mwh = mwh

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
        return not by_phase or (by_phase.keys() == set(energy.PHASES) and not self.has_named_phases)

    def columns(self, evse: int | None, connector: int | None) -> dict[str, Any]:
        """The columns that follow from the samples."""
        return dict(zip(COLUMNS, self.row(evse, connector), strict=True))

    def row(self, evse: int | None, connector: int | None) -> tuple[Any, ...]:
        """The values of COLUMNS."""
        text = self.writer.text()
        return (
            self.at,
            self.register_mwh,
            self.power(),
            self.soc,
            self.amperes if self.amperes is not None else self.amperes_of_phases,
            self.volts if self.volts is not None else self.volts_of_phases,
            len(self.writer),
            self.register_exponent(),
            text,
            digest(evse, connector, text),
        )


def register(at: datetime, kind: Kind, value: float, raw: str) -> Register:
    """A sample of the register as the energy of a session counts it."""
    return Register(at, rank_of(kind.context), kind.phase, value, resolution(raw, kind.raw_unit))


def kind_of_sample(sample: Sample) -> Kind:
    """The kind of a sample, with its texts cut to the lengths of stored readings."""
    return kind_of(
        sample.measurand[:64],
        sample.phase[:16],
        sample.location[:16],
        sample.context[:32],
        sample.unit[:16],
        sample.raw_unit[:64],
    )
