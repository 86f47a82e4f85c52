"""The energy register of a running transaction in memory, so that the next reading needs no database query.

All energies are whole thousandths of a Wh (`protocol.translate.energy`).
`transactions.services.metering.counting` applies these records.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Moment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The register at one moment, from one or more readings: the highest one counts.

    A reading of 400.4 Wh stands for any value between 400.3 and 400.5. `floor` and `ceiling` bound the range
    that all readings have in common; without a common range the readings contradict each other.
    """

    at: datetime
    mwh: int
    resolution: int
    lowest: int
    highest: int
    floor: int
    ceiling: int
    # The sum of three phases; the station's own total takes precedence.
    is_sum: bool = False


class Tally(msgspec.Struct, frozen=True):
    """The energy up to a reading.

    `base` is the register when the transaction began or after its last reset, `top` the highest reading
    since, `before` the energy until that reset.
    """

    at: datetime
    mwh: int
    start_mwh: int
    base: int
    top: int
    top_resolution: int
    before: int
    energy: int
    reasons: tuple[str, ...] = ()
    # Energy by hour. The key is the start of the hour in seconds since 1970, as text. Treated as immutable.
    hours: dict[str, int] = {}


class Registers(msgspec.Struct, kw_only=True):
    """The register readings of a transaction that counting the next one needs.

    `start` and `stop` are meterStart and meterStop of 1.6, `begin` and `end` the samples with the contexts
    Transaction.Begin and Transaction.End, `last` the latest other sample.
    """

    start: Moment | None = None
    stop: Moment | None = None
    begin: Moment | None = None
    end: Moment | None = None
    last: Moment | None = None
    tally: Tally | None = None
    # The tally without `last`, to count that moment again; None after loading from the database.
    previous: Tally | None = None
    can_reopen: bool = True
    # The latest moment with readings of only some phases.
    partial_at: datetime | None = None
    # The latest moment before the start whose reading is below the start's, and whether such readings count.
    ahead_at: datetime | None = None
    counts_ahead: bool = False
    # When the latest moment was received.
    received_at: datetime | None = None
    # False: the stored readings have to be loaded before the next one is counted.
    is_known: bool = True
    # An operator has set the energy: readings no longer change it.
    is_settled: bool = False
