"""A running session's energy register in memory, so that the next reading costs no database read.

Wh everywhere. The rules are those of `transactions.services.metering.counting`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Moment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The register at one moment, from one reading or several: the highest counts.

    A reading of 400.4 stands for anything between 400.3 and 400.5. `floor` and `ceiling` bound the range that
    all readings have in common; without a common range the readings contradict each other.
    """

    at: datetime
    wh: float
    resolution: float
    lowest: float
    highest: float
    floor: float
    ceiling: float
    # The sum of three phases; the station's own total goes before it.
    is_sum: bool = False


class Tally(msgspec.Struct, frozen=True):
    """The energy up to a reading.

    `base` is where the register stood when the session began or after its last reset, `top` the highest it
    showed since, `before` the energy of the time before that reset.
    """

    at: datetime
    wh: float
    start_wh: float
    base: float
    top: float
    top_resolution: float
    before: float
    finest: float
    energy: float
    reasons: tuple[str, ...] = ()
    # By the hour it was drawn in: seconds since 1970 of the hour's start, as text. Treated as immutable.
    hours: dict[str, float] = {}


class Registers(msgspec.Struct, kw_only=True):
    """A session's register readings, as far as the next one needs them.

    `start` and `stop` are 1.6's meterStart and meterStop as given, `begin` and `end` the samples with the
    contexts Transaction.Begin and Transaction.End, `last` the latest of the others.
    """

    start: Moment | None = None
    stop: Moment | None = None
    begin: Moment | None = None
    end: Moment | None = None
    last: Moment | None = None
    tally: Tally | None = None
    # The tally without `last`, to count that moment again; after loading it is not known.
    previous: Tally | None = None
    can_reopen: bool = True
    # The latest moment of which only some phases are known.
    partial_at: datetime | None = None
    # The latest moment before the start whose reading is below the start's, and whether such readings count.
    ahead_at: datetime | None = None
    counts_ahead: bool = False
    # When the latest moment was received.
    received_at: datetime | None = None
    # False: what is stored has to be read before the next reading can be taken.
    is_known: bool = True
    # A person decided about the energy: no reading changes it any more.
    is_settled: bool = False
