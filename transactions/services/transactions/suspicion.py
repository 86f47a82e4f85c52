"""Why a transaction is suspect: codes for the database, words for people. A bill is looked at before it is
sent.
"""

from __future__ import annotations

from typing import Protocol

from ocpp_server.live.records import TransactionState


class Suspected(Protocol):
    """A transaction, live or stored."""

    suspect_reasons: list[str]


WORDS = {
    "clock-implausible": "the station's clock was wrong, so the time of receipt is used",
    "connector-unknown": "the station never reported this connector's status",
    "superseded": "a newer transaction began on the connector before this one was stopped",
    "connector-available": "the connector reports Available while this was never stopped",
    "abandoned": "the station gave no sign of life and never sent a stop",
    "stop-missing": "the station restarted and never sent a stop; the last reading ends it",
    "stop-after-settlement": "the station sent a stop after the energy was settled, which stays as it is",
    "stop-before-start": "the stop is older than the start",
    "meter-regression": "the final reading is below an earlier one",
    "meter-reset": "the energy register went back while charging",
    "meter-jump": "the energy rose faster than any charger can deliver",
    "meter-start-implausible": "the start reading was not plausible, the first reading is used instead",
    "meter-start-ahead": "the start is later and higher than a reading that came with the session",
    "moment-contradicts": "the station reports different readings for the same moment",
    "meter-stop-missing": "there is no final reading",
    "matched-without-number": "the stop named no valid transaction; it was matched by token and time",
    "start-missing": "the message that starts it has not come",
    "stop-came-first": "the stop came before the start",
    "conflicting-stop": "it was stopped twice with different values; the first counts",
    "conflicting-event": "an event came twice with different content; the first counts",
    "events-missing": "sequence numbers are missing",
    "events-lost": "the station has been asked for what is missing and has nothing",
    "charged-unauthorized": "energy was drawn although the token was refused",
}


# What `energy` says about a session's registers, and takes back when a later reading explains it.
ABOUT_REGISTERS = frozenset(
    {
        "meter-regression",
        "meter-reset",
        "meter-jump",
        "meter-start-implausible",
        "meter-start-ahead",
        "meter-stop-missing",
        "moment-contradicts",
    }
)
CONNECTOR_FREE, ABANDONED, STOP_MISSING = "connector-available", "abandoned", "stop-missing"
# A stop of the station's own takes these back: what was assumed without it has come.
SETTLED_BY_STOP = (CONNECTOR_FREE, ABANDONED, STOP_MISSING)

# With these reasons we cannot tell whether a vehicle is charging; with any other the session is real.
_DOUBTFUL = frozenset({"start-missing", CONNECTOR_FREE})


def suspect(transaction: TransactionState, code: str, detail: str = "") -> None:
    """Add a reason, once a code."""
    reason = f"{code}: {detail}"[:200] if detail else code
    if not has(transaction, code):
        transaction.suspect_reasons.append(reason)


def is_doubtful(transaction: Suspected) -> bool:
    """Whether the session may be a ghost, which must not keep a paying customer out."""
    return any(reason.partition(":")[0] in _DOUBTFUL for reason in transaction.suspect_reasons)


def has(transaction: Suspected, code: str) -> bool:
    """Whether the transaction is suspect for this reason."""
    return any(reason.partition(":")[0] == code for reason in transaction.suspect_reasons)


def clear(transaction: TransactionState, code: str) -> None:
    """The reason no longer holds: what was missing has come."""
    transaction.suspect_reasons[:] = [r for r in transaction.suspect_reasons if r.partition(":")[0] != code]


def words(reasons: list[str]) -> list[str]:
    """The reasons as sentences."""
    sentences = []
    for reason in reasons:
        code, _, detail = reason.partition(": ")
        sentences.append(WORDS.get(code, code) + (f" ({detail})" if detail else ""))
    return sentences
