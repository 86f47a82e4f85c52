"""Readings of a session that begins at START. Tests write Wh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ocpp_server.live.records import TransactionState
from ocpp_server.live.registers import Moment
from ocpp_server.protocol.translate.energy import WHOLE_WH, mwh_of
from transactions.services.metering import counting, energy
from transactions.services.metering.counting import Rank, Register
from transactions.services.transactions.suspicion import code_of

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def codes(reasons: tuple[str, ...]) -> list[str]:
    return [code_of(reason) for reason in reasons]


def moment(minutes: float, wh: float, resolution: float = 1.0, *, is_sum: bool = False) -> Moment:
    return counting.moment(at(minutes), mwh_of(wh), mwh_of(resolution), is_sum=is_sum)


def sample(minutes: float, wh: float, rank: Rank = Rank.ORDINARY, phase: str = "") -> Register:
    return Register(at(minutes), rank, phase, mwh_of(wh), WHOLE_WH)


def a_session(meter_start: float | None = 1000, *samples: Register) -> TransactionState:
    """A running session that has taken the samples, one after the other."""
    session = TransactionState(id=1000, ocpp_id="1000", station="CP", started_at=START, last_message_at=START)
    energy.begin(session, meter_start, START)
    for one in samples:
        assert energy.take(session, [one], received_at=one.at)
    return session
