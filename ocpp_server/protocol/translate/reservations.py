"""Answers to ReserveNow, whose words are the same in 1.6 (7.42) and 2.x (3.70)."""

from __future__ import annotations

from enum import StrEnum


class Reserving(StrEnum):
    """The answer of a station to a reservation."""

    ACCEPTED = "accepted"
    FAULTED = "faulted"
    OCCUPIED = "occupied"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"


_ANSWERS = {
    "Accepted": Reserving.ACCEPTED,
    "Faulted": Reserving.FAULTED,
    "Occupied": Reserving.OCCUPIED,
    "Unavailable": Reserving.UNAVAILABLE,
}


def reserving(status: str) -> Reserving:
    """The answer of a status word; REJECTED for an unknown one."""
    return _ANSWERS.get(status, Reserving.REJECTED)
