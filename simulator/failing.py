"""Answers that fail on request: a refusal in the action's own words, an error, or none at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator import schemas
from simulator.answers.table import NoReply
from simulator.wire import CallFailed

REJECTED: Final = "Rejected"
NO_ANSWER: Final = "NoAnswer"
# The error codes that every version has.
ERRORS: Final = (
    "InternalError",
    "NotImplemented",
    "NotSupported",
    "ProtocolError",
    "SecurityError",
    "GenericError",
)
# The words with which stations refuse, the usual one first.
_WORDS: Final = (
    REJECTED,
    "Failed",
    "UnlockFailed",
    "NotSupported",
    "Unknown",
    "NotFound",
    "NoProfile",
    "UploadFailure",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """How the station fails the next CALL of an action; an empty action is the next CALL of any."""

    answer: str
    action: str = ""


def take(failures: list[Failure], action: str) -> Failure | None:
    """The first failure for this action, which is used up."""
    for index, one in enumerate(failures):
        if one.action in ("", action):
            return failures.pop(index)
    return None


def failing_answer(version: str, action: str, failure: Failure) -> dict[str, Any]:
    """The answer to a CALL that fails. Raises CallFailed, and NoReply for none.

    An action without a word for a refusal is answered with an error.
    """
    if failure.answer == NO_ANSWER:
        raise NoReply
    if failure.answer == REJECTED and (refusing := refusal(version, action)) is not None:
        return refusing
    code = ERRORS[0] if failure.answer == REJECTED else failure.answer
    raise CallFailed(action, code, "This answer was requested by fail-next.")


def refusal(version: str, action: str, words: Sequence[str] = _WORDS) -> dict[str, Any] | None:
    """The answer that refuses an action, by its schema; None if it has none."""
    for word in words:
        if not schemas.faults(version, action, "response", {"status": word}):
            return {"status": word}
    return None
