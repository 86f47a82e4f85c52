"""Required fields that a station may leave out, because the rest of its message has their meaning.

All other missing fields are refused. A field without a value of its own stays missing: the handler finds the
connector of the transaction, or takes the time of receipt and flags the session (decision 0064).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .exact import Kind

Payload = dict[str, Any]

LEFT_OUT: Final = object()


class Substitute(NamedTuple):
    """The value of a missing field, or LEFT_OUT, and the end of the sentence about it."""

    value: Any
    meaning: str


# The object that lacks the field, and the payload. None where the meaning is not certain.
Rule = Callable[[Payload, Payload], Substitute | None]

_RECEIPT: Final = Substitute(LEFT_OUT, "the time of receipt is used")


def _time_of_receipt(_: Payload, __: Payload) -> Substitute:
    return _RECEIPT


def _time_of_message(_: Payload, payload: Payload) -> Substitute:
    for name in ("timestamp", "generatedAt"):
        time = payload.get(name)
        if isinstance(time, str) and time:
            return Substitute(time, "the time of the message is used")
    return _RECEIPT


def _time_of_only_reading(_: Payload, payload: Payload) -> Substitute | None:
    """Several readings without a time belong to different moments."""
    readings = payload.get("meterValue")
    return None if isinstance(readings, list) and len(readings) > 1 else _time_of_message(_, payload)


def _connector_of_transaction(_: Payload, payload: Payload) -> Substitute | None:
    number = payload.get("transactionId")
    if type(number) is int and number > 0:
        return Substitute(LEFT_OUT, "the connector of the transaction is used")
    return None


def _error_of_status(_: Payload, payload: Payload) -> Substitute:
    word = "OtherError" if payload.get("status") == "Faulted" else "NoError"
    return Substitute(word, f"{word} is used")


def _unknown_reason(_: Payload, __: Payload) -> Substitute:
    return Substitute("Unknown", "Unknown is used")


_RULES: Final[dict[tuple[str, ...], Rule]] = {
    ("MeterValues", "connectorId"): _connector_of_transaction,
    ("MeterValues", "meterValue", "timestamp"): _time_of_only_reading,
    ("TransactionEvent", "meterValue", "timestamp"): _time_of_only_reading,
    ("NotifyEvent", "eventData", "timestamp"): _time_of_message,
    ("StatusNotification", "errorCode"): _error_of_status,
    ("BootNotification", "reason"): _unknown_reason,
}
# When something happened or was reported. Times of schedules and of past readings are no such times.
_TIMES_OF_MESSAGE: Final = frozenset({"timestamp", "generatedAt"})


def substitute(action: str, kind: Kind, names: tuple[str, ...]) -> Rule | None:
    """The rule for a required field; None for a field that must not be missing."""
    if kind != "request":
        return None
    if len(names) == 1 and names[0] in _TIMES_OF_MESSAGE:
        return _time_of_receipt
    return _RULES.get((action, *names))
