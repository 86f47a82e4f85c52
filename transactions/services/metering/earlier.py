"""Registers as the release before stored them: floats of Wh, with some binary noise.

A running session needs no recount after the upgrade: the numbers become the thousandths that they mean. The
next release can do without this module, because a row that can't be read is recounted.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from ocpp_server.live.registers import Moment, Registers, Tally
from ocpp_server.protocol.translate.energy import mwh_of
from transactions.services.metering.hours import Hours


class _Moment(msgspec.Struct, array_like=True):
    at: datetime
    wh: float
    resolution: float
    lowest: float
    highest: float
    floor: float
    ceiling: float
    is_sum: bool = False

    def moment(self) -> Moment:
        resolution = mwh_of(self.resolution)
        # A resolution is at least a thousandth of a Wh now.
        wider = 0 if resolution else 1
        return Moment(
            self.at,
            mwh_of(self.wh),
            resolution or 1,
            mwh_of(self.lowest),
            mwh_of(self.highest),
            mwh_of(self.floor) - wider,
            mwh_of(self.ceiling) + wider,
            self.is_sum,
        )


class _Tally(msgspec.Struct, array_like=True):
    at: datetime
    wh: float
    start_wh: float
    base: float
    top: float
    top_resolution: float
    before: float
    finest: float
    energy: float
    reasons: tuple[str, ...]

    def tally(self, hours: Hours) -> Tally:
        return Tally(
            self.at,
            mwh_of(self.wh),
            mwh_of(self.start_wh),
            mwh_of(self.base),
            mwh_of(self.top),
            mwh_of(self.top_resolution) or 1,
            mwh_of(self.before),
            mwh_of(self.energy),
            self.reasons,
            hours,
        )


class _Stored(msgspec.Struct, array_like=True):
    start: _Moment | None
    stop: _Moment | None
    is_known: bool = False
    begin: _Moment | None = None
    last: _Moment | None = None
    partial_at: datetime | None = None
    ahead_at: datetime | None = None
    counts_ahead: bool = False
    tally: _Tally | None = None


_decode = msgspec.json.Decoder(_Stored).decode


def registers(text: str, hours: Hours) -> Registers:
    """The registers in the text of a row. Raises msgspec.DecodeError for any other text."""
    stored = _decode(text)
    return Registers(
        start=_moment(stored.start),
        stop=_moment(stored.stop),
        begin=_moment(stored.begin),
        last=_moment(stored.last),
        tally=None if stored.tally is None else stored.tally.tally(hours),
        can_reopen=False,
        partial_at=stored.partial_at,
        ahead_at=stored.ahead_at,
        counts_ahead=stored.counts_ahead,
        is_known=stored.is_known,
    )


def _moment(stored: _Moment | None) -> Moment | None:
    return None if stored is None else stored.moment()
