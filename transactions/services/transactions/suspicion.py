"""Reasons why a transaction is suspect: codes for the database, sentences for people. An operator checks
suspect transactions before they are billed.
"""

from __future__ import annotations

import re
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate.times import REPLACED


class Suspected(Protocol):
    """A transaction, live or stored."""

    suspect_reasons: list[str]


SENTENCES = {
    "clock-implausible": _("The station's clock was wrong, so the time of receipt is used"),
    "connector-unknown": _("The station never announced connector %(detail)s"),
    "superseded": _("A newer session began on the connector before this one was stopped"),
    "connector-available": _("The connector reports Available, but the station sent no stop"),
    "abandoned": _("The station sent no more messages and no stop"),
    "stop-missing": _("The station restarted and never sent a stop; the last reading is the final one"),
    "session-unknown": _("The station no longer has the session and sent no stop; the last reading is final"),
    "stop-after-settlement": _("The station sent a stop after the energy was settled; the energy stays"),
    "stop-before-start": _("The stop is older than the start"),
    "meter-regression": _("The meter went backwards at the end"),
    "meter-reset": _("The meter went backwards while charging"),
    "meter-jump": _("The energy rose faster than any charger can deliver"),
    "meter-start-implausible": _("The start reading was not plausible; the first reading is used instead"),
    "meter-start-ahead": _("The start is later and higher than a reading of the session"),
    "moment-contradicts": _("The station reported different readings for the same moment"),
    "meter-stop-missing": _("There is no final reading"),
    "matched-without-number": _("The stop named no valid session; it was matched by token and time"),
    "start-missing": _("The start message is missing"),
    "stop-came-first": _("The stop arrived before the start"),
    "conflicting-stop": _("The station sent two stops with different values; the first counts"),
    "conflicting-event": _("The station sent an event twice with different content; the first counts"),
    "events-missing": _("Sequence numbers are missing"),
    "events-lost": _("The station was asked for the missing messages and has none"),
    "charged-unauthorized": _("Energy was drawn although the token was refused"),
}
_DETAIL = "%(detail)s"
# The whole part of a reading in Wh.
_WHOLE_WH = re.compile(r"(?<![\d.])\d{4,15}(?!\d)")

# Reasons that `energy` adds about a session's registers, and removes when a later reading explains them.
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
# The station has answered that the session is not ongoing and that nothing about it is queued (2.0.1 E14).
SESSION_UNKNOWN = "session-unknown"
# The station's own stop removes these reasons: they were assumptions because the stop was missing.
SETTLED_BY_STOP = (CONNECTOR_FREE, ABANDONED, STOP_MISSING, SESSION_UNKNOWN)

# With these reasons the server cannot tell whether a vehicle is charging; with any other the session is real.
_DOUBTFUL = frozenset({"start-missing", CONNECTOR_FREE})


def about_clock(time_problem: str, time_text: str) -> list[tuple[str, str]]:
    """The code and detail of a session whose first message had no usable time; empty when it had one."""
    return [("clock-implausible", time_text[:64])] if time_problem in REPLACED else []


def code_of(reason: str) -> str:
    """The code of a reason, without its detail."""
    return reason.partition(":")[0]


def suspect(transaction: TransactionState, code: str, detail: str = "") -> None:
    """Add a reason, unless its code is there already."""
    reason = f"{code}: {detail}"[:200] if detail else code
    if not has(transaction, code):
        transaction.suspect_reasons.append(reason)


def is_doubtful(transaction: Suspected) -> bool:
    """Whether the session may have ended unnoticed: it must not lock out a paying customer."""
    return any(reason.partition(":")[0] in _DOUBTFUL for reason in transaction.suspect_reasons)


def has(transaction: Suspected, code: str) -> bool:
    """Whether the transaction is suspect for this reason."""
    return any(reason.partition(":")[0] == code for reason in transaction.suspect_reasons)


def clear(transaction: TransactionState, code: str) -> None:
    """Remove a reason that no longer holds, because the missing message has arrived."""
    transaction.suspect_reasons[:] = [r for r in transaction.suspect_reasons if r.partition(":")[0] != code]


def words(reasons: list[str]) -> list[str]:
    """The reasons as sentences without a full stop; an unknown code stays as it is."""
    sentences = []
    for reason in reasons:
        code, _, detail = reason.partition(": ")
        sentence = str(SENTENCES.get(code, code))
        if _DETAIL in sentence:
            sentence = sentence.replace(_DETAIL, detail)
        elif detail:
            sentence += ": " + (_WHOLE_WH.sub(_grouped, detail) if code in ABOUT_REGISTERS else detail)
        sentences.append(sentence)
    return sentences


def _grouped(number: re.Match[str]) -> str:
    return f"{int(number[0]):,}"
