"""Errors of the domain: a rule of this server refused a request.

Handlers, views and commands translate them for their callers. The errors of OCPP are in `protocol.errors`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ocpp_server.error_codes import Code


class DomainError(Exception):
    """A rule refused the request. `field` names the invalid input, if there is one; `code` says more than the
    class does.
    """

    sentence = "That is not possible."
    default_code: ClassVar[Code] = Code.STATE_CONFLICT

    def __init__(
        self,
        sentence: str = "",
        *,
        field: str = "",
        data: dict[str, Any] | None = None,
        code: Code | None = None,
    ) -> None:
        self.sentence = sentence or self.sentence
        self.field = field
        self.data = data or {}
        self.code = code or self.default_code
        super().__init__(self.sentence)


class Invalid(DomainError):
    """The input is invalid; `errors` names the fields: [{"field", "reason"}]."""

    default_code = Code.VALIDATION_FAILED

    def __init__(
        self,
        sentence: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        field: str = "",
        code: Code | None = None,
    ) -> None:
        super().__init__(sentence, field=field, code=code)
        self.errors = errors or ([{"field": field, "reason": self.sentence}] if field else [])


class Missing(DomainError):
    """The station, transaction, token or other object does not exist."""

    default_code = Code.NOT_FOUND


class Conflict(DomainError):
    """The current state does not allow the request."""


class Refused(DomainError):
    """The input is valid, but a policy of this server does not allow the request."""

    default_code = Code.RULE_REFUSED


class Outdated(DomainError):
    """The object was changed since the caller read it."""

    sentence = "This was changed meanwhile; read it again."
    default_code = Code.OUTDATED


class StationOffline(DomainError):
    sentence = "The station is known but offline."
    default_code = Code.OFFLINE


class QueueFull(DomainError):
    sentence = "Too many commands are waiting for this station."
    default_code = Code.QUEUE_FULL
