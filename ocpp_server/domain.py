"""Errors of the domain: a rule of this server refused a request.

Handlers, views and commands translate them for their callers. The errors of OCPP are in `protocol.errors`.
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A rule refused the request. `field` names the invalid input, if there is one."""

    sentence = "That is not possible."

    def __init__(self, sentence: str = "", *, field: str = "", data: dict[str, Any] | None = None) -> None:
        self.sentence = sentence or self.sentence
        self.field = field
        self.data = data or {}
        super().__init__(self.sentence)


class Invalid(DomainError):
    """The input is invalid; `errors` names the fields: [{"field", "reason"}]."""

    def __init__(
        self, sentence: str = "", *, errors: list[dict[str, str]] | None = None, field: str = ""
    ) -> None:
        super().__init__(sentence, field=field)
        self.errors = errors or ([{"field": field, "reason": self.sentence}] if field else [])


class Missing(DomainError):
    """The station, transaction, token or other object does not exist."""


class Conflict(DomainError):
    """The current state does not allow the request."""


class Refused(DomainError):
    """The input is valid, but a policy of this server does not allow the request."""


class Outdated(DomainError):
    """The object was changed since the caller read it."""

    sentence = "This was changed meanwhile; read it again."


class StationOffline(DomainError):
    sentence = "The station is known but offline."


class QueueFull(DomainError):
    sentence = "Too many commands are waiting for this station."
