"""The second tree of errors: a rule of this server refused. Handlers, views and commands each translate it
for their caller.
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A rule refused. `field` names the input that is wrong, where there is one."""

    sentence = "That is not possible."

    def __init__(self, sentence: str = "", *, field: str = "", data: dict[str, Any] | None = None) -> None:
        self.sentence = sentence or self.sentence
        self.field = field
        self.data = data or {}
        super().__init__(self.sentence)


class Invalid(DomainError):
    """The input is wrong; `errors` says where: [{"field", "reason"}]."""

    def __init__(
        self, sentence: str = "", *, errors: list[dict[str, str]] | None = None, field: str = ""
    ) -> None:
        super().__init__(sentence, field=field)
        self.errors = errors or ([{"field": field, "reason": self.sentence}] if field else [])


class Missing(DomainError):
    """This station, transaction, token, ... was never seen."""


class Conflict(DomainError):
    """The state does not allow it."""


class Refused(DomainError):
    """The input is right by itself, and what it asks for would break a promise made to others."""


class Outdated(DomainError):
    """The caller changes an object that was changed meanwhile."""

    sentence = "This was changed meanwhile; read it again."


class StationOffline(DomainError):
    sentence = "The station is known but offline."


class QueueFull(DomainError):
    sentence = "Too many commands are waiting for this station."
