"""The table of answers: the handler of each CALL of the CSMS, per version."""

from collections.abc import Callable, Coroutine
from typing import Any

FollowUp = Callable[[], Coroutine[Any, Any, Any]]
Answer = tuple[dict[str, Any], FollowUp | None]
Handler = Callable[[Any, dict[str, Any]], dict[str, Any] | Answer]


class NoReply(Exception):  # noqa: N818 - named for what happens
    """The station sends no answer."""


ANSWERS: dict[tuple[str, str], Handler] = {}

ACCEPTED = {"status": "Accepted"}
REJECTED = {"status": "Rejected"}


def answers(action: str, *versions: str) -> Callable[[Handler], Handler]:
    """Register ``handler(station, payload)``, which returns the answer, or the answer and a follow-up to run
    after sending it.
    """

    def register(handler: Handler) -> Handler:
        for version in versions:
            if (version, action) in ANSWERS:
                raise ValueError(f"{action} of {version} has two answers")
            ANSWERS[version, action] = handler
        return handler

    return register


def evse_number(payload: dict[str, Any]) -> int:
    """Return the connector (1.6) or EVSE (2.x) of a request; 0 is the whole station."""
    if "connectorId" in payload:
        return int(payload["connectorId"])
    return int(payload.get("evseId", payload.get("evse", {}).get("id", 0)))
