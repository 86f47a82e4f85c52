"""A plausible electricity meter: power ramps up, fluctuates and tapers off, and the register only
increases.
"""

import math
import random
from dataclasses import dataclass

NOMINAL_VOLTAGE = 230.0
DC_VOLTAGE = 400.0
RAMP_S = 8.0  # time constant of the ramp to full power
TAPER_FROM = 80.0  # state of charge in percent above which the power decreases
STEP_S = 5.0


@dataclass(slots=True)
class Reading:
    """Meter values at one time: Wh, W, and per phase A and V; ``soc`` in percent when the vehicle
    reports it.
    """

    energy_wh: int
    power_w: float
    currents: tuple[float, ...]
    voltages: tuple[float, ...]
    offered_a: float
    soc: float | None


class Meter:
    """The meter of a connector. Its register continues across sessions and reboots, like a real one."""

    def __init__(self, rng: random.Random, *, max_power_w: float, phases: int = 3, dc: bool = False) -> None:
        self.max_power_w = max_power_w
        self.phases = 1 if dc else phases
        self.dc = dc
        self.power_w = 0.0
        self.register_wh = float(rng.randrange(10_000, 900_000))
        self.soc: float | None = None
        self.battery_wh = 60_000.0
        self._rng = rng
        self._limit_w = max_power_w

    @property
    def energy_wh(self) -> int:
        """The register in whole Wh, as OCPP 1.6 requires in meterStart and meterStop."""
        return int(self.register_wh)

    def plug_in(self, *, battery: bool) -> None:
        """Connect a vehicle; its state of charge is known only when the vehicle communicates it."""
        self.soc = self._rng.uniform(15, 60) if battery else None
        self.power_w = 0.0

    def stop(self) -> None:
        self.power_w = 0.0

    def run(self, seconds: float, *, limit_w: float | None = None) -> None:
        """Advance the meter by simulated seconds, with at most limit_w of power."""
        self._limit_w = self.max_power_w if limit_w is None else max(0.0, min(limit_w, self.max_power_w))
        while seconds > 0:
            step = min(seconds, STEP_S)
            self._step(step)
            seconds -= step

    def _step(self, seconds: float) -> None:
        target = self._limit_w
        if self.soc is not None and self.soc > TAPER_FROM:
            target *= max(0.0, (100 - self.soc) / (100 - TAPER_FROM))
        share = 1 - math.exp(-seconds / RAMP_S)
        before = self.power_w
        after = before + (target - before) * share
        # Noise never raises the power above the limit: a charging profile must be seen to hold.
        after = min(max(0.0, after * self._rng.uniform(0.985, 1.0)), self._limit_w)
        self.power_w = after
        energy = min((before + after) / 2, self._limit_w) * seconds / 3600
        self.register_wh += energy
        if self.soc is not None:
            self.soc = min(100.0, self.soc + energy / self.battery_wh * 100)

    def read(self) -> Reading:
        """Return the current values; currents and voltages are consistent with the power."""
        nominal = DC_VOLTAGE if self.dc else NOMINAL_VOLTAGE
        voltages = tuple(round(nominal + self._rng.uniform(-2, 2), 1) for _ in range(self.phases))
        share = self.power_w / self.phases
        return Reading(
            energy_wh=self.energy_wh,
            power_w=round(self.power_w),
            currents=tuple(round(share / voltage, 1) for voltage in voltages),
            voltages=voltages,
            offered_a=round(self._limit_w / self.phases / nominal, 1),
            soc=None if self.soc is None else round(self.soc, 1),
        )
