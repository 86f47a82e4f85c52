"""The moments of the kills of one run, drawn before the run begins."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Moment(Enum):
    """The event after which the delay of a kill begins."""

    START = "the process was started"
    FRAME = "the n-th frame was sent"
    BLOCKED_FRAME = "the n-th frame was sent; meanwhile no station reads"
    ANSWER = "the first answer after the n-th frame has come; meanwhile no station reads"


@dataclass(frozen=True)
class Kill:
    """One kill: the n-th frame about a transaction, and the delay in seconds after the moment."""

    moment: Moment
    frames: int
    delay_s: float


def kills(seed: int) -> Iterator[Kill]:
    """The kills of a run, without end."""
    chance = random.Random(f"{seed}/kills")
    while True:
        # The kill may also come while the stations are still reconnecting.
        frames = 1 + int(10 ** chance.uniform(0, 2.6))
        choice = chance.random()
        if choice < 0.04:
            yield Kill(Moment.START, 0, 10 ** chance.uniform(-3, -0.7))
        elif choice < 0.52:
            # The first answer shows that a batch is committed: its other answers are on their way now.
            yield Kill(Moment.ANSWER, frames, 10 ** chance.uniform(-5, -3.3))
        else:
            # 10 microseconds to 20 milliseconds: before, during or after the commit.
            moment = Moment.BLOCKED_FRAME if choice < 0.76 else Moment.FRAME
            yield Kill(moment, frames, 10 ** chance.uniform(-5, -1.7))


@dataclass(frozen=True)
class Restart:
    """One kill of a process: after this many more answers to stations, and the pause before its start."""

    answers: int
    pause_s: float


def restarts(seed: int, process: int, *, answers: tuple[int, int]) -> Iterator[Restart]:
    """The kills of one of several processes, without end; no other process changes them."""
    chance = random.Random(f"{seed}/process {process}")
    while True:
        yield Restart(chance.randint(*answers), chance.uniform(0, 1))
